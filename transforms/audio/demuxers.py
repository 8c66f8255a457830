"""List the demuxers of FFmpeg that may read recordings. All others are refused, whatever the installed build of FFmpeg has.

A demuxer is allowed if it knows its files by their content, finds sound in them, and opens nothing but the bytes it is given.
`tests/test_demuxers.py` checks that every demuxer of the installed build is in one of the two lists, and tries those that are allowed.
"""

from __future__ import annotations

import functools

import av.format

SOUND = (
    "aa aac aax ac3 ac4 ace acm act adp ads adx aea afc aiff aix alp amr apac apc ape apm argo_asf argo_brp argo_cvg asf "
    "asf_o ast au avr bfstm binka bit boa bonk brstm caf codec2 dcstr derf dsf dss dts dtshd ea eac3 epaf flac fsb fwse genh "
    "hca hcom iamf iff ilbc ircam kvag laf lc3 loas lvf mca mgsts mlp mmf mp3 mpc mpc8 msf mtaf musx nistsphere nsp oma osq "
    "pp_bnk pvf qcp qoa redspark rka rsd s337m scd sdns sds sdx shn siff sol sox spdif svag svs tak truehd tta vag voc "
    "vpk vqf w64 wady wav wavarc wsaud wsd wv wve xa xmd xvag xwma "
)
FILM = (
    "3dostr 4xm avi avs bethsoftvid bfi bink bmv c93 dhav dsicin dv dxa film_cpk flv gdv gxf hnm hxvs idcin ipmovie iss ivr "
    "jv kux lxf matroska mlv mm mods moflex mov mpeg mpegts mtv mv mvi mxf nc nsv nut nuv ogg paf pmp psxstr pva rl2 rm roq "
    "rpl sga simbiosis_imx smjpeg smk smush swf thp tiertexseq tmv ty usm vividas vivo vmd wc3movie wsvqa wtv xmv yop "
)
ALLOWED = frozenset(f"{SOUND} {FILM}".split())
"""Recordings, and films, which may have a sound track."""

REFUSED = {
    "opens other files or addresses that its bytes name": "concat dash hls image2 imf rtp rtsp sap sdp vobsub webm_dash_manifest",
    "a device of this machine": "alsa fbdev kmsgrab lavfi oss video4linux2 x11grab",
    "a raw stream without a beginning: any bytes would be read as this": (
        "alaw amrnb amrwb aptx aptx_hd bitpacked codec2raw daud data dfpwm f32be f32le f64be f64le g722 g723_1 g726 g726le g728 g729 gsm"
        " mpegtsraw mulaw rawvideo rso s16be s16le s24be s24le s32be s32le s8 sbc sln tty u16be u16le u24be u24le u32be u32le u8 v210 v210x"
        " vidc"
    ),
    "pictures without sound": (
        "alias_pix anm apng apv av1 avs2 avs3 brender_pix cavsvideo cdg cdxl cine dfa dirac dnxhd evc filmstrip fits flic frm gif h261 h263"
        " h264 hevc ico ifv image2pipe ingenient ipu iv8 ivf jpegxl_anim live_flv lmlm4 luodat m4v mjpeg mjpeg_2000 mpegvideo mpjpeg"
        " msnwctcp msp mxg obu pdv r3d sdr2 ser txd vc1 vc1test vvc yuv4mpegpipe"
    ),
    "text, subtitles or notes": (
        "adf aqtitle ass bin dvbsub dvbtxt ea_cdata ffmetadata idf jacosub lrc mcc microdvd mpl2 mpsub pjs rcwt realtext sami sbg scc srt"
        " stl subviewer subviewer1 sup tedcaptions vplayer webvtt xbin"
    ),
}
"""Why -> the demuxers that are refused; besides them the names that end in `_pipe`, which are single pictures."""


@functools.cache
def installed_demuxers() -> frozenset[str]:
    """Return the names of all demuxers of the installed FFmpeg; of those with several names the first one."""
    listed = [name.split(",") for name in av.formats_available]
    aliases = {alias for names in listed for alias in names[1:]}
    return frozenset(names[0] for names in listed if names[0] not in aliases and _is_demuxer(names[0]))


def _is_demuxer(name: str) -> bool:
    try:
        return av.format.ContainerFormat(name, "r").is_input
    except ValueError:  # it is a muxer alone
        return False


@functools.cache
def probed_demuxers() -> str:
    """Return the names of the demuxers that may read bytes of an unknown kind, separated by commas, as `format_whitelist` wants them."""
    return ",".join(sorted(ALLOWED & installed_demuxers()))
