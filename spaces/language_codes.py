"""Codes of languages as other programs write them: `EN`, `de-DE`, `deu`, `deu_Latn`, `zh_CN`.

The two-letter codes of ISO 639-1 with their three-letter codes of ISO 639-2 (both where there are two). A few codes of
ISO 639-3 that name the standard form of a language stand for it, and so do withdrawn codes.
"""

import re
from collections.abc import Collection

from spaces.language import ENGLISH, join_pair

_ISO_639 = """
aa:aar ab:abk ae:ave af:afr ak:aka am:amh an:arg ar:ara as:asm av:ava ay:aym az:aze ba:bak be:bel bg:bul bh:bih
bi:bis bm:bam bn:ben bo:bod,tib br:bre bs:bos ca:cat ce:che ch:cha co:cos cr:cre cs:ces,cze cu:chu cv:chv
cy:cym,wel da:dan de:deu,ger dv:div dz:dzo ee:ewe el:ell,gre en:eng eo:epo es:spa et:est eu:eus,baq fa:fas,per
ff:ful fi:fin fj:fij fo:fao fr:fra,fre fy:fry ga:gle gd:gla gl:glg gn:grn gu:guj gv:glv ha:hau he:heb hi:hin
ho:hmo hr:hrv ht:hat hu:hun hy:hye,arm hz:her ia:ina id:ind ie:ile ig:ibo ii:iii ik:ipk io:ido is:isl,ice it:ita
iu:iku ja:jpn jv:jav ka:kat,geo kg:kon ki:kik kj:kua kk:kaz kl:kal km:khm kn:kan ko:kor kr:kau ks:kas ku:kur
kv:kom kw:cor ky:kir la:lat lb:ltz lg:lug li:lim ln:lin lo:lao lt:lit lu:lub lv:lav mg:mlg mh:mah mi:mri,mao
mk:mkd,mac ml:mal mn:mon mr:mar ms:msa,may mt:mlt my:mya,bur na:nau nb:nob nd:nde ne:nep ng:ndo nl:nld,dut
nn:nno no:nor nr:nbl nv:nav ny:nya oc:oci oj:oji om:orm or:ori os:oss pa:pan pi:pli pl:pol ps:pus pt:por qu:que
rm:roh rn:run ro:ron,rum ru:rus rw:kin sa:san sc:srd sd:snd se:sme sg:sag si:sin sk:slk,slo sl:slv sm:smo sn:sna
so:som sq:sqi,alb sr:srp ss:ssw st:sot su:sun sv:swe sw:swa ta:tam te:tel tg:tgk th:tha ti:tir tk:tuk tl:tgl
tn:tsn to:ton tr:tur ts:tso tt:tat tw:twi ty:tah ug:uig uk:ukr ur:urd uz:uzb ve:ven vi:vie vo:vol wa:wln wo:wol
xh:xho yi:yid yo:yor za:zha zh:zho,chi zu:zul
"""
# Standard forms in ISO 639-3, and withdrawn codes.
_OTHERS = """
ar:arb ay:ayr az:azj et:ekk fa:pes ff:fuv he:iw id:in jv:jw kr:knc ku:kmr lv:lvs mg:plt mn:khk ms:zsm ne:npi om:gaz
or:ory ps:pbt qu:quy sq:als sw:swh tl:fil uz:uzn yi:ji,ydd zh:cmn
"""

_GROUPS = [word.partition(":")[::2] for word in (_ISO_639 + _OTHERS).split()]
CODES = {code: short for short, longer in _GROUPS for code in (short, *longer.split(","))}

_SCRIPT_OR_REGION = re.compile(r"[A-Z][a-z]{3}|[A-Za-z]{2}|[0-9]{3}")


def canonical_code(code: str, paired: Collection[str] = ()) -> str | None:
    """Return the code of ISO 639-1 for a code in another spelling; None for one that is not understood.

    Case, script and region are left out. Two languages, the second one of `paired` or of three letters, are a pair and
    stay one: `de-en`, `deu-eng`. A region is told from the second language of a pair by capitals.
    """
    first, *rest = re.split(r"[-_]", code.strip())
    base = CODES.get(first.lower())
    if base is None or not rest:
        return base
    last = rest[0].lower() if rest[0].lower() == ENGLISH else rest[0]  # no region is called EN
    second = CODES.get(last)  # of a pair: in small letters
    if len(rest) == 1 and second and second != base and (last in {ENGLISH, *paired} or len(last) == 3):
        return join_pair(base, second)
    return base if all(_SCRIPT_OR_REGION.fullmatch(part) for part in rest) else None
