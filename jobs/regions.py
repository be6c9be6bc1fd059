"""County-level region codes (GB/T 2260): which are known and what they are called.

An unknown code is a warning, never an error, since codes are renumbered and abolished. The table
is Jilin's 60 county-level units of the 2004 revisions and what 江源 was called in later ones,
taken from the package GB2260 0.4.1 (BSD) without its placeholder rows 市辖区; another province
hands in its own. The codes 2299xx were never assigned: they are the counties of invented people.
"""

from collections.abc import Mapping
from types import MappingProxyType

_JILIN = (
    "220102南关区 220103宽城区 220104朝阳区 220105二道区 220106绿园区 220112双阳区 "
    "220122农安县 220181九台市 220182榆树市 220183德惠市 220202昌邑区 220203龙潭区 "
    "220204船营区 220211丰满区 220221永吉县 220281蛟河市 220282桦甸市 220283舒兰市 "
    "220284磐石市 220302铁西区 220303铁东区 220322梨树县 220323伊通满族自治县 220381公主岭市 "
    "220382双辽市 220402龙山区 220403西安区 220421东丰县 220422东辽县 220502东昌区 "
    "220503二道江区 220521通化县 220523辉南县 220524柳河县 220581梅河口市 220582集安市 "
    "220602八道江区 220621抚松县 220622靖宇县 220623长白朝鲜族自治县 220625江源县 "
    "220681临江市 220702宁江区 220721前郭尔罗斯蒙古族自治县 220722长岭县 220723乾安县 "
    "220724扶余县 220802洮北区 220821镇赉县 220822通榆县 220881洮南市 220882大安市 "
    "222401延吉市 222402图们市 222403敦化市 222404珲春市 222405龙井市 222406和龙市 "
    "222424汪清县 222426安图县 "
    # Renumbered when the county became a district: the revisions of 2006 and of 2007 onwards.
    "220604江源区 220605江源区"
)
_COUNT = "一二三四五六七八九十"
_PROVINCES = (
    "11 12 13 14 15 21 22 23 31 32 33 34 35 36 37 41 42 "
    "43 44 45 46 50 51 52 53 54 61 62 63 64 65 71 81 82"
)

#: The first two digits of every province-level code.
PROVINCES = frozenset(_PROVINCES.split())

#: Code to name.
JILIN: Mapping[str, str] = MappingProxyType({item[:6]: item[6:] for item in _JILIN.split()})

#: Ten counties that never were, for invented people.
INVENTED: Mapping[str, str] = MappingProxyType(
    {f"2299{number:02}": f"示例{count}县" for number, count in enumerate(_COUNT, start=1)}
)


def region_name(code: str) -> str | None:
    """Return the name of a county-level unit, or None for a code that the table does not have."""
    return JILIN.get(code) or INVENTED.get(code)


def province_known(number_or_code: str) -> bool:
    """Tell whether a region code or citizen number begins with a province's two digits."""
    return number_or_code[:2] in PROVINCES
