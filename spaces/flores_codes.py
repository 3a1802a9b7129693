"""The codes of FLORES-200 for the 205 languages and scripts of SIB-200 (Adelani et al. 2024; NLLB Team 2022).

A language has the name that it has in results: its two-letter code of ISO 639-1 where there is one, else its code of
ISO 639-3. The code of a group of languages names its only member here: `ay` is Central Aymara. The less common one of
two scripts stands after the name, as in `zh_Hant`.
"""

_SPELT_ALIKE = """
ace:Latn acm:Arab acq:Arab aeb:Arab ajp:Arab apc:Arab ars:Arab ary:Arab arz:Arab ast:Latn awa:Deva azb:Arab ban:Latn
bem:Latn bho:Deva bjn:Latn bug:Latn ceb:Latn cjk:Latn ckb:Arab crh:Latn dik:Latn dyu:Latn fon:Latn fur:Latn hne:Deva
ilo:Latn kab:Latn kac:Latn kam:Latn kbp:Latn kea:Latn kmb:Latn lij:Latn lmo:Latn ltg:Latn lua:Latn luo:Latn lus:Latn
mag:Deva mai:Deva min:Latn mni:Beng mos:Latn nqo:Nkoo nso:Latn nus:Latn pag:Latn pap:Latn prs:Arab sat:Olck scn:Latn
shn:Mymr szl:Latn taq:Latn tpi:Latn tum:Latn tzm:Tfng umb:Latn vec:Latn war:Latn yue:Hant
"""
_SHORTENED = """
af:afr_Latn ak:aka_Latn am:amh_Ethi ar:arb_Arab as:asm_Beng ay:ayr_Latn az:azj_Latn ba:bak_Cyrl be:bel_Cyrl
bg:bul_Cyrl bm:bam_Latn bn:ben_Beng bo:bod_Tibt bs:bos_Latn ca:cat_Latn cs:ces_Latn cy:cym_Latn da:dan_Latn
de:deu_Latn dz:dzo_Tibt ee:ewe_Latn el:ell_Grek en:eng_Latn eo:epo_Latn es:spa_Latn et:est_Latn eu:eus_Latn
fa:pes_Arab ff:fuv_Latn fi:fin_Latn fj:fij_Latn fo:fao_Latn fr:fra_Latn ga:gle_Latn gd:gla_Latn gl:glg_Latn
gn:grn_Latn gu:guj_Gujr ha:hau_Latn he:heb_Hebr hi:hin_Deva hr:hrv_Latn ht:hat_Latn hu:hun_Latn hy:hye_Armn
id:ind_Latn ig:ibo_Latn is:isl_Latn it:ita_Latn ja:jpn_Jpan jv:jav_Latn ka:kat_Geor kg:kon_Latn ki:kik_Latn
kk:kaz_Cyrl km:khm_Khmr kn:kan_Knda ko:kor_Hang kr:knc_Latn ks:kas_Arab ku:kmr_Latn ky:kir_Cyrl lb:ltz_Latn
lg:lug_Latn li:lim_Latn ln:lin_Latn lo:lao_Laoo lt:lit_Latn lv:lvs_Latn mg:plt_Latn mi:mri_Latn mk:mkd_Cyrl
ml:mal_Mlym mn:khk_Cyrl mr:mar_Deva ms:zsm_Latn mt:mlt_Latn my:mya_Mymr nb:nob_Latn ne:npi_Deva nl:nld_Latn
nn:nno_Latn ny:nya_Latn oc:oci_Latn om:gaz_Latn or:ory_Orya pa:pan_Guru pl:pol_Latn ps:pbt_Arab pt:por_Latn
qu:quy_Latn rn:run_Latn ro:ron_Latn ru:rus_Cyrl rw:kin_Latn sa:san_Deva sc:srd_Latn sd:snd_Arab sg:sag_Latn
si:sin_Sinh sk:slk_Latn sl:slv_Latn sm:smo_Latn sn:sna_Latn so:som_Latn sq:als_Latn sr:srp_Cyrl ss:ssw_Latn
st:sot_Latn su:sun_Latn sv:swe_Latn sw:swh_Latn ta:tam_Taml te:tel_Telu tg:tgk_Cyrl th:tha_Thai ti:tir_Ethi
tk:tuk_Latn tl:tgl_Latn tn:tsn_Latn tr:tur_Latn ts:tso_Latn tt:tat_Cyrl tw:twi_Latn ug:uig_Arab uk:ukr_Cyrl
ur:urd_Arab uz:uzn_Latn vi:vie_Latn wo:wol_Latn xh:xho_Latn yi:ydd_Hebr yo:yor_Latn zh:zho_Hans zu:zul_Latn
"""
_SECOND_SCRIPTS = """
ace_Arab ar_Latn:arb_Latn bjn_Arab kr_Arab:knc_Arab ks_Deva:kas_Deva min_Arab taq_Tfng zh_Hant:zho_Hant
"""

# Language -> its code in FLORES-200.
FLORES_CODES = {
    **{name: f"{name}_{script}" for name, script in (word.split(":") for word in _SPELT_ALIKE.split())},
    **dict(word.split(":") for word in _SHORTENED.split()),
    **{word.split(":")[0]: word.split(":")[-1] for word in _SECOND_SCRIPTS.split()},
}
