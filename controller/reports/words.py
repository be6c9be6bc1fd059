"""What reports say, in English and Chinese: one table of sentences; closed vocabularies beside it.

Terms are those of the glossary in ARCHITECTURE.md and of the programme's documents. A moment is
told in China's time, where these centres stand.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from controller.clock import MICROSECONDS
from controller.reports.vocabulary import VOCABULARY, Pair

Language = Literal["en", "zh"]
_CHINA_AHEAD = timedelta(hours=8)

SENTENCES: Mapping[str, Pair] = {
    # Titles
    "targets": ("Targets", "目标进度"),
    "shift report": ("Shift report", "班次报告"),
    "quality": ("Quality", "质量报告"),
    "oee": ("Stations and lines: time and OEE", "工位与生产线：时间与设备综合效率"),
    "counties": ("Counties", "各县（市、区）进度"),
    "as of the evening": (
        "On the evening of {day}. People of 16 and over, each counted once",
        "截至{day}日终。统计对象为16周岁以上人口，每人计一次",
    ),
    "part of": ("; part of {programme}", "；属于{programme}"),
    # Where a programme stands
    "counted": ("Counted", "换证人数"),
    "of people": ("of {people:,} people", "总任务{people:,}人"),
    "behind plan": ("Behind plan", "落后计划"),
    "ahead of plan": ("Ahead of plan", "超前计划"),
    "ahead": ("Ahead (+), behind (−)", "超前（+）落后（−）"),
    "plan to date is": ("plan to date {people:,}", "计划进度{people:,}人"),
    "plan to date": ("Plan to date", "计划进度"),
    "plan": ("Plan", "计划"),
    "working days": ("working days", "工作日"),
    "working days left": ("{days} working days left in the year", "本年剩余{days}个工作日"),
    "required a day": ("Required a working day", "每工作日需完成"),
    "forecast": ("Forecast", "预测"),
    "forecast finish": ("Forecast finish", "预计完成日期"),
    "forecast year": ("Forecast for the year", "预计本年完成"),
    "too few days": ("too few working days to foresee", "工作日不足，无法预测"),
    "beyond foresight": ("beyond ten years", "十年以外"),
    "band of": ("{share:.0%} band: {low} to {high}", "{share:.0%}区间：{low}至{high}"),
    "band": ("{share:.0%} band", "{share:.0%}预测区间"),
    "no method": (
        "No forecast: {days} working days with figures can be used, and it needs ten.",
        "不作预测：可用工作日{days}个，至少需要10个。",
    ),
    "method": (
        "Bootstrap over the last {days} working days; the middle {share:.0%} of the futures.",
        (
            "预测方法：以最近{days}个工作日的实际完成数为样本，按五日一周分块自助抽样，围绕可漂移的水平"
            "推演；区间取全部推演结果居中的{share:.0%}。"
        ),
    ),
    "this year": ("The year {year}", "{year}年度"),
    "whole programme": ("The whole programme", "总体进度"),
    "burn-up of the year": ("People of {year} against the plan", "{year}年换证人数与计划对比"),
    "burn-up of the programme": ("People counted against the plan", "总换证人数与计划对比"),
    "year": ("Year", "年度"),
    "years": ("Years", "分年度"),
    "target": ("Target", "目标"),
    "share of target": ("Of target", "完成率"),
    "made a day": ("Made a working day", "日均制证"),
    "last working days": ("mean of the last {days} working days", "最近{days}个工作日平均"),
    "orders waiting": ("Orders that wait", "待制任务"),
    "open orders": ("Open orders", "未完成任务"),
    "will be late": ("Will miss their promise date", "预计逾期"),
    "at the recent rate": ("at the recent rate, first promised first", "按近期速度、先到期先制"),
    "older than": ("more than {days} days", "超过{days}天"),
    "since receipt": ("Since receipt", "受理数据接收已"),
    "age of orders": ("Age of open orders", "未完成任务时长"),
    "load": ("Load that is no progress", "不计入进度的制证量"),
    "spoiled and made again": ("spoiled cards, made again", "废卡重制"),
    "load is no progress": (
        "Cards that are no progress: the plan counts people of 16 and over, each once.",
        "以下证件不计入换证人数：计划只统计16周岁以上人口，每人一次。",
    ),
    "fees": ("Fees and turnaround", "收费与制证周期"),
    "fees in yuan": ("Fees, yuan", "收费（元）"),
    "relieved": ("Relieved", "减免"),
    "turnaround median": ("Receipt to dispatch, median", "接收至分发中位数"),
    "turnaround p99": ("Receipt to dispatch, 99th percentile", "接收至分发第99百分位"),
    "phases and milestones": ("Phases and milestones", "阶段与重点任务"),
    "phases": ("Phases", "阶段"),
    "phase": ("Phase", "阶段"),
    "milestones": ("Milestones", "重点任务"),
    "milestone": ("Milestone", "任务"),
    "no milestones": ("The programme has no milestones.", "方案未列重点任务。"),
    "begins": ("Begins", "开始"),
    "ends": ("Ends", "结束"),
    "products": ("Products", "证件"),
    "runs now": ("now", "进行中"),
    "due": ("Due", "期限"),
    "done": ("Done", "完成"),
    "overdue": ("overdue", "逾期"),
    # Counties and prefectures
    "by prefecture": ("By prefecture", "按市（州）"),
    "prefecture": ("Prefecture", "市（州）"),
    "county": ("County", "县（市、区）"),
    "code": ("Code", "代码"),
    "quota": ("Quota", "任务数"),
    "assumed": ("assumed", "假定"),
    "quotas are assumed": (
        "The quotas are an assumption of this programme's file. {assumption}",
        "各市（州）任务数为方案文件中的假定，并非上级下达：按人口近似分配，详见方案文件。",
    ),
    "share of quota": ("Of quota", "完成率"),
    "counted so far": ("Counted so far", "累计换证人数"),
    "started": ("Started", "已启动"),
    "of counties": ("of {counties} counties", "共{counties}个县（市、区）"),
    "started counties": ("Counties that have started", "已启动的县（市、区）"),
    "unstarted counties": ("Counties that have not started", "未启动的县（市、区）"),
    "other counties": ("Counties outside of the programme", "方案以外的地区"),
    "none has started": ("None has started.", "尚无启动。"),
    "all have started": ("All have started.", "已全部启动。"),
    "start": ("Start", "启动日期"),
    "no date": ("no date", "未定"),
    "pilot": ("pilot", "试点"),
    # What becomes of orders
    "received": ("Received", "接收"),
    "refused": ("Refused", "退回"),
    "made": ("Made", "制证"),
    "dispatched": ("Dispatched", "分发"),
    "waiting": ("Waiting", "待制"),
    "spoiled": ("Spoiled", "废卡"),
    "good": ("Good", "合格"),
    "remade": ("Orders remade", "重制任务"),
    "orders": ("Orders", "任务数"),
    "cards": ("Cards", "张"),
    "applications": ("Applications", "申领信息"),
    # Progress
    "plan of the period is": ("plan of the period {people:,}", "本期计划{people:,}人"),
    "ahead in the period": ("Ahead (+) or behind (−) in the period", "本期超前（+）落后（−）"),
    "why": ("Where the difference comes from", "进度分析"),
    "held orders": ("Orders held for a person", "挂起待处理任务"),
    "dispatched so far": ("dispatched since the beginning", "累计分发"),
    "lost station time": ("Station time lost, most first", "工位时间损失"),
    "station hours": ("Station time", "工位时间"),
    # Quality
    "spoilage": ("Spoiled cards", "废卡"),
    "spoilage by reason": ("Spoiled cards by reason", "废卡按原因"),
    "spoilage by station": (
        "By day, station where it was found, and reason",
        "按日期、发现工位和原因",
    ),
    "spoiled a day": ("Spoiled cards a day", "每日废卡"),
    "spoiled a month": ("Spoiled cards a month", "每月废卡"),
    "month": ("Month", "月份"),
    "months": ("Month by month", "按月"),
    "away from the line": ("away from the line", "线外"),
    "done at first": ("orders done with their first card", "首卡即合格的任务"),
    "of received": ("of {received:,} applications", "共{received:,}份"),
    "refusals": ("Refused applications by reason", "退回的申领信息（按原因）"),
    "nothing was spoiled": ("Nothing was spoiled.", "无废卡。"),
    "nothing was refused": ("Nothing was refused.", "无退回。"),
    "nothing was made": ("Nothing was made.", "未制证。"),
    "reason": ("Reason", "原因"),
    "field": ("Field", "数据项"),
    "day": ("Day", "日期"),
    "days": ("Day by day", "按日"),
    "share": ("Share", "比例"),
    # Station time
    "ratios": ("Ratios of ISO 22400-2", "ISO 22400-2 指标"),
    "what the ratios are": (
        (
            "Availability = producing / planned time; effectiveness = planned run time of what was"
            " done / producing; quality ratio = good / produced; OEE index = their product;"
            " first-pass yield = good at the first inspection / inspected."
            " A line's quantities are its finished cards."
        ),
        (
            "可用率=生产时间/计划时间；效率=已完成作业的计划用时/生产时间；合格率=合格数/产量；"
            "设备综合效率为三者之积；一次合格率=首次检验合格数/检验数。生产线的数量为其最终成卡数。"
        ),
    ),
    "station time": ("Station time", "工位时间"),
    "station time by cause": ("Station time by cause", "工位时间构成"),
    "seconds by cause": ("Seconds by cause", "各原因秒数"),
    "seconds add up": (
        (
            "Every second has a cause: {stations} stations × {length} s = {expected} s;"
            " the causes together are {accounted} s:"
        ),
        "每一秒均有归属：{stations}个工位×{length}秒={expected}秒；各原因合计{accounted}秒：",
    ),
    "reasons of stops": ("What stations stopped for", "停机原因明细"),
    "no stop with a reason": ("No station stopped for a reason.", "无停机。"),
    "planned run time": ("Planned run time of an item", "单件计划用时"),
    "what is planned": (
        (
            "Taken as the median of this stretch: effectiveness tells how steadily a station"
            " worked, not how fast its maker says it could."
        ),
        "取本时段作业时间的中位数：效率反映工位是否稳定，不与厂家标称速度比较。",
    ),
    "of the bottleneck": ("{line}, bottleneck {kind}", "{line}，瓶颈{kind}"),
    "bottleneck": ("bottleneck", "瓶颈"),
    "all stations": ("all stations", "全部工位"),
    "availability": ("Availability", "可用率"),
    "effectiveness": ("Effectiveness", "效率"),
    "quality ratio": ("Quality ratio", "合格率"),
    "oee index": ("OEE index", "设备综合效率"),
    "first-pass yield": ("First-pass yield", "一次合格率"),
    "produced": ("Produced", "产量"),
    "unit": ("Unit", "单元"),
    "kind": ("Kind", "类别"),
    "station": ("Station", "工位"),
    "line": ("Line", "生产线"),
    "cause": ("Cause", "原因"),
    "time": ("Time", "时间"),
    "act": ("Act", "作业"),
    "seconds": ("Seconds", "秒"),
    "hours": ("Hours", "小时"),
    "together": ("Together", "合计"),
    "total": ("Total", "合计"),
    "nothing was done": ("Nothing was done.", "无作业。"),
    # One shift
    "so far": (" (so far)", "（进行中）"),
    "stops": ("Stops", "停机次数"),
    "account": ("Account of blanks", "空白卡体对账"),
    "every blank": ("every blank accounted for", "每张空白卡体均有去向"),
    "account at": ("At {moment}:", "截至{moment}："),
    "true": ("true", "平衡"),
    "FALSE": ("FALSE", "不平衡"),
    "cards by hour": ("Cards by hour", "每小时制证"),
    "cards an hour": ("Cards an hour", "每小时制证（张）"),
    "from": ("From", "起"),
    "longest stops": ("Longest stops", "最长停机"),
    "lasted": ("Lasted", "时长"),
    "nothing stopped": ("Nothing stopped.", "无停机。"),
    "blanks": ("Blanks", "空白卡体"),
    "loaded": ("Loaded", "装入"),
    "issued": ("Issued", "领用"),
    "returned": ("Returned", "退库"),
    "samples": ("Samples", "样卡"),
    "in magazine now": ("In the magazine now", "卡仓现存"),
    "no line": ("There is no line.", "无生产线。"),
    "who did what": ("Who did what", "人员操作"),
    "who": ("Who", "人员"),
    "did": ("Recorded", "操作"),
    "times": ("Times", "次数"),
    "nobody did anything": ("Nobody had to do anything.", "无人员操作。"),
}


@dataclass(frozen=True, slots=True)
class Words:
    """Everything that a report says, in one language."""

    language: Language

    def __call__(self, key: str, **values: Any) -> str:
        """Return a sentence with its values."""
        return self.either(*SENTENCES[key]).format(**values)

    def either(self, english: str, chinese: str) -> str:
        """Choose between two texts."""
        return chinese if self.language == "zh" else english

    def label(self, vocabulary: str, word: str) -> str:
        """Return what a word of a vocabulary is called; one that nobody knows stays as it is."""
        known = VOCABULARY[vocabulary].get(word)
        return self.either(*known) if known else word

    def titled(self, name: str, of: str) -> str:
        """Put what something is of behind its name."""
        return f"{name}{self.either(': ', '：')}{of}"

    def beside(self, text: str, more: str) -> str:
        """Put something in brackets behind a text."""
        return f"{text}{self.either(f' ({more})', f'（{more}）')}"

    @property
    def html_language(self) -> str:
        """What a page says of itself."""
        return "zh-CN" if self.language == "zh" else "en"

    def clock(self, time_us: int) -> str:
        """Return the time of the day."""
        return f"{_china(time_us):%H:%M}"

    def moment(self, time_us: int) -> str:
        """Return day and time."""
        return f"{_china(time_us):%Y-%m-%d %H:%M:%S}"

    def stretch(self, begins_us: int, ends_us: int) -> str:
        """Return a stretch of time; an end with the day is its midnight."""
        begins, ends = _china(begins_us), _china(ends_us)
        if begins.date() == ends.date():
            return f"{begins:%Y-%m-%d %H:%M} – {ends:%H:%M}"
        return f"{begins:%Y-%m-%d %H:%M} – {ends:%Y-%m-%d %H:%M}"


def _china(time_us: int) -> datetime:
    return datetime.fromtimestamp(time_us // MICROSECONDS, UTC) + _CHINA_AHEAD
