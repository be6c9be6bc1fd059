"""The closed vocabularies of reports in English and Chinese: causes, reasons, acts, kinds.

The words themselves are the program's; `tests/unit/controller/test_report_words.py` asks that every
one has a name in both languages.
"""

from collections.abc import Mapping

Pair = tuple[str, str]

_CAUSES: Mapping[str, Pair] = {
    "producing": ("producing", "生产"),
    "changeover": ("changeover", "准备"),
    "blocked": ("blocked", "受阻"),
    "starved": ("starved", "待料"),
    "held": ("held", "暂停"),
    "down": ("down", "故障"),
    "stopped": ("stopped", "停用"),
    "off shift": ("off shift", "班外"),
}
_REASONS: Mapping[str, Pair] = {
    # Codes of machines, wires and chips
    "wire.not_opened": ("the port could not be opened", "端口无法打开"),
    "wire.closed": ("the wire was closed", "通信中断"),
    "wire.wrong_speed": ("another speed than the wire's", "通信速率不符"),
    "link.reply_timeout": ("no answer in time", "应答超时"),
    "link.garbled": ("damaged answers", "应答受损"),
    "link.unexpected_reply": ("an answer to something else", "应答不符"),
    "device.not_ready": ("not ready", "设备未就绪"),
    "device.refused": ("the machine refused", "设备拒绝执行"),
    "device.consumable_empty": ("a consumable ran out", "耗材用尽"),
    "device.cover_open": ("a cover is open", "机盖打开"),
    "device.nothing_at_source": ("nothing to take", "取卡位无卡"),
    "device.destination_taken": ("the place is taken", "放卡位被占"),
    "device.wrong": ("another machine on the port", "设备不符"),
    "device.jam": ("jam", "卡片卡塞"),
    "device.workpiece_lost": ("a card was lost between sensors", "传送中丢失卡片"),
    "device.fault": ("a fault of the machine", "设备故障"),
    "chip.no_card": ("no chip answers", "芯片无响应"),
    "chip.mute": ("the chip is mute", "芯片静默"),
    "chip.keys_refused": ("the chip refused the keys", "芯片拒绝密钥"),
    "chip.refused": ("the chip refused", "芯片拒绝写入"),
    "reader.read_failed": ("the reader could not read it", "机读失败"),
    "ledger.unavailable": ("the ledger could not be written", "账本无法写入"),
    "controller.restart": ("restart of the controller", "控制程序重启"),
    # What a card was condemned for
    "read-back differs": ("read-back differs", "机读内容不符"),
    "stranger's data": ("another person's data on the chip", "芯片含他人数据"),
    "lamination temperature": ("lamination: temperature", "层压温度异常"),
    "lamination pressure": ("lamination: pressure", "层压压力异常"),
    "lamination film": ("lamination: film", "层压膜异常"),
    "chip of another card": ("the chip belongs to another card", "芯片属于另一张卡"),
    "settled as spoiled": ("in doubt, settled as spoiled", "存疑后判废"),
    "quarantine": ("from quarantine", "隔离后判废"),
    "misprint": ("misprint", "打印缺陷"),
    "cancelled": ("its order was cancelled", "任务已取消"),
    "damaged": ("damaged", "损坏"),
    "bad lamination": ("bad lamination", "层压缺陷"),
    # Words of the account of time
    "operator": ("by a person", "人员操作"),
    "maintenance": ("in a technician's hands", "设备维护"),
    "driver": ("the driver met something unforeseen", "驱动程序异常"),
    "restart": ("since the restart", "重启后未启用"),
    "suspended": ("its transport stands", "传送停止"),
    "line": ("its line does not run", "生产线未启用"),
    "overtime": ("overtime", "加班"),
    "other": ("other", "其他"),
    "unknown": ("unknown", "未知"),
}
_REFUSALS: Mapping[str, Pair] = {
    "11": ("name", "姓名错误"),
    "12": ("sex", "性别错误"),
    "13": ("nation", "民族错误"),
    "14": ("birth date", "出生日期错误"),
    "15": ("address", "住址错误"),
    "21": ("citizen number", "公民身份号码错误"),
    "22": ("number already there", "公民身份号码重复"),
    "23": ("number disagrees with sex or birth date", "号码与性别或出生日期不符"),
    "31": ("photo missing", "缺少照片"),
    "32": ("photo format", "照片格式错误"),
    "33": ("photo content", "照片内容不合格"),
    "41": ("validity", "有效期限错误"),
    "42": ("issuer", "签发机关错误"),
    "51": ("character that cannot be encoded", "字符无法编码"),
    "52": ("character without a glyph", "字库缺字"),
    "90": ("other", "其他"),
}
_KINDS: Mapping[str, Pair] = {
    "printer": ("printer", "打印机"),
    "laminator": ("laminator", "层压机"),
    "encoder": ("encoder", "电写入机"),
    "reader": ("reader", "阅读机"),
    "inspection": ("inspection desk", "视读检验台"),
    "transport": ("transport", "传送带"),
}
_ACTS: Mapping[str, Pair] = {
    "insert": ("insert", "进卡"),
    "print": ("print", "打印"),
    "laminate": ("laminate", "层压"),
    "eject": ("eject", "出卡"),
    "encode": ("encode", "电写入"),
    "terminate": ("terminate", "芯片作废"),
    "read_back": ("read back", "机读"),
    "inspect": ("inspect", "视读"),
    "move": ("move", "传送"),
}
_STAGES: Mapping[str, Pair] = {
    "print": ("Printed", "打印"),
    "laminate": ("Laminated", "层压"),
    "encode": ("Encoded", "电写入"),
    "verify": ("Read back", "机读合格"),
    "pack": ("Packed", "装箱"),
    "spoil": ("Spoiled", "废卡"),
    "dispatch": ("Dispatched", "分发"),
}
_LOADS: Mapping[str, Pair] = {
    "first_generation": ("first generation", "一代证"),
    "under_16": ("under 16", "未满16周岁"),
    "replacement": ("replacement of a lost or damaged card", "补领"),
    "again": ("somebody counted before", "已计入人员再次制证"),
}
_PRODUCTS: Mapping[str, Pair] = {
    "1": ("first generation", "一代证"),
    "2": ("second generation", "二代证"),
}
_ACCOUNT: Mapping[str, Pair] = {
    "issued": ("blanks issued", "领用空白卡体"),
    "good": ("good", "合格"),
    "spoiled": ("spoiled", "废卡"),
    "samples": ("samples", "样卡"),
    "returned": ("returned", "退库"),
    "in_process": ("in process", "在制"),
    "in_doubt": ("in doubt", "存疑"),
}
_EVENTS: Mapping[str, Pair] = {
    "ledger_opened": ("ledger opened", "开启账本"),
    "package_refused": ("package refused", "数据包退回"),
    "batch_received": ("package taken in", "接收数据包"),
    "batch_changed": ("batch released, held or cancelled", "批次下达、暂停或取消"),
    "application_refused": ("application refused", "申领信息退回"),
    "order_created": ("order created", "建立制证任务"),
    "order_changed": ("order held, released or cancelled", "任务挂起、恢复或取消"),
    "card_issued": ("blank issued", "领用空白卡体"),
    "card_changed": ("card judged, settled or spoiled", "证件检验、处置或判废"),
    "work_begun": ("work begun", "开始作业"),
    "work_finished": ("work finished", "完成作业"),
    "station_changed": ("station commanded", "工位操作"),
    "machine_seen": ("machine seen", "设备识别"),
    "line_changed": ("line started or stopped", "生产线启停"),
    "stock_changed": ("blanks loaded, returned or sampled", "空白卡体装入、退库或取样"),
    "box_opened": ("box opened", "开箱"),
    "box_sealed": ("box sealed", "封箱"),
    "box_dispatched": ("box dispatched", "分发"),
    "shift_begun": ("shift begun", "班次开始"),
    "capture_begun": ("capture of a wire begun", "开始线路抓取"),
    "capture_ended": ("capture of a wire ended", "结束线路抓取"),
    "cleaning_begun": ("cleaning begun", "开始清洁"),
    "cleaning_ended": ("cleaning ended", "结束清洁"),
}
_PROGRESS: Mapping[str, Pair] = {
    "day": ("Progress of the day", "日进度报告"),
    "week": ("Progress of the week", "周进度报告"),
    "month": ("Progress of the month", "月进度报告"),
    "closing": ("Closing summary", "总结报告"),
}

VOCABULARY: Mapping[str, Mapping[str, Pair]] = {
    "cause": _CAUSES,
    "reason": _REASONS,
    "refusal": _REFUSALS,
    "kind": _KINDS,
    "act": _ACTS,
    "stage": _STAGES,
    "load": _LOADS,
    "product": _PRODUCTS,
    "account": _ACCOUNT,
    "event": _EVENTS,
    "progress": _PROGRESS,
    # Shifts are named in the centre's file; a centre without any reports the whole day.
    "shift": {"day": ("whole day", "全天")},
}
