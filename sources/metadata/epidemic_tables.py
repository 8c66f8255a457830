"""List the tables of Epidemic Sound's effects that LAION published, one a class, with the checksums of its repository."""

from __future__ import annotations

from sources.metadata.card import Download

ADDRESS = (
    "https://media.githubusercontent.com/media/LAION-AI/audio-dataset/297bd2505280b2a2a41f8032b696ab9c4df3451f/"
    "metadata/Epidemic_sound(sound_effects)/{}.parquet"
)
"""Where Git LFS serves the files of a commit."""

FILES = {
    "Aircraft": ("3d77c72ec4992a43ed80c9fc9feabd3f60487235a1aaa60d94220cf87a292346", 25_279),
    "Ambience": ("40b78cf5230e3880c3c97b08966f57a11fa5db9f310ab8a3bad9597f08d9bd92", 114_835),
    "Animals": ("80715f25c952267561c0fd7d2ec188b23c911586748f57c39fb87b0846bd0083", 101_216),
    "Birds": ("b11b00bb0143d3afb472d0843261f7087c7f3b91fc4b23cf186c442294aea7c4", 30_112),
    "Boats": ("8d3d58145f372a6778c95bb2ead64d22b6b3726e9d35771ad315fdbc83758442", 26_935),
    "Body": ("c7ed0a64ba956a4b5e910a84679a7c944c1cd63c0235cc13063d3fba32cbc1b4", 49_836),
    "Chairs": ("04ea731cac09dcb2afa6bbdfb68325fb3e89ca3ff48b455347c2c38be534ffae", 25_449),
    "Crashes": ("6d50c35c464839c95e3229edd0180ea37e5ce0c63fef839c7c9e76adb2988fc7", 52_424),
    "Crowds": ("9e4f0386fcfc9d438c328e9e068e0d6b3ad0ebda96499a8a7618f0b6f674ec4e", 27_427),
    "Debris": ("9e9fa47c783f6ac1bee5350ab08ceabf4bb3d8c85bdc261c29df169f0fd3be58", 35_042),
    "Doors": ("505d00072dc6cb98da506d3b53669c8000b71c12275857a8970b809dadc264fe", 113_595),
    "Electric": ("d2f281e71a085b0c21ad535b11261f2c7e8f22116ea0cb5690d5dafbc9225abc", 87_258),
    "Fight": ("7a4ec3ecca8eec4dd853d6c4f3b19ba3a12fb1a2a5f922cf62c7ba89d95cb96d", 51_193),
    "Fire": ("f54fa59228f9570ddadf8e54a095e115e87935b6e16a3e4f05a5c6529a0d6ad8", 44_635),
    "Foley": ("6ba76ee5b4d504ac2d7af62f055660738a4ced12835b9e642411fd1693607f9b", 584_418),
    "Glass": ("07a24e1a73d61961c4939d8e3818e8be604582baf14ed2e5d5b4eba4c974d85d", 80_262),
    "Gore": ("260a5e657519ef8fcb17f96eacdf1d96a3cb0edd996c2c3b86180d6848c08e59", 69_293),
    "Guns": ("e19e9c06801600a3577a510f249794a605c180a3d7619615682434eb11069048", 286_365),
    "Household": ("a7121b9997fcde8bf96132a5bd1df4ce98a3c0f597998a2ed1a1024f61af4760", 46_207),
    "Industrial": ("e4f649c311fed6da8ea96e33860e968de08ae41bec629c5605901514c8315d98", 110_135),
    "Insects": ("b2751f06a07f579a6c5b2cf63a661dda76e65e74f9876b784320a79833c4e6e5", 73_957),
    "Lasers": ("03404f31aded8a6fa0439fd0cb50f2ec7203839651df4031764d7c00c65e4067", 70_238),
    "Machines": ("15b1fe95a9fa36a4342e99416cddf6097f813040a77195e8b07499b9525040ed", 66_695),
    "Materials": ("304b88626898494ea1675cf4f06fdb6d3ac44e9d435d61748c53d1dbee724b7c", 180_686),
    "Mechanical": ("42c64cbcff043a467debca3591f1dfc9670739586e6257686727f6e79427b681", 80_641),
    "Metal": ("5af82e9a4a22c861ab1c7987d45c2b602177f780ed08e98fb866723c332d983e", 192_278),
    "Musical": ("08582cbebe6a8f1f86abb54367934e3b594ccd495ae3949528449beda9e1bf65", 367_670),
    "Noise": ("ec1560256114236f36c4d0dd286d0f74c623bc4ec5b3f2e8980d85e286f764f3", 168_639),
    "Robots": ("c0ebcae3da1da53a4a9deb4637d9a8023706839e759c581f88753db6e208892c", 25_641),
    "Rocks": ("04b67a8ba425301e284d737fd0b86c0ef42c1dbdd0b1045077d86912b0e28cdf", 59_908),
    "Storytelling": ("bf6a3600ab134ec6f44800cb8ca9efec7ec29069a9ac4730e36a65d3df749fe6", 233_572),
    "Technology": ("3b065f5cac3cb89e896deca6f3821908155d28275610d5f3952cd0b0b8767e6e", 199_031),
    "Telephone": ("4081300a9ee3d102834d6c9a579eb3d4956a25fed556f42b7857cdb3d1d78f6d", 39_362),
    "Tools": ("3721592fe6f88406b70a0811f72e8aafef7b7913f497f82e34b7367e7eb4c3ef", 92_919),
    "Trains": ("480a65c6b5d5d16136f9f0dcc1878b5e7f1711606aa6d88d4bff3f90152617fb", 22_849),
    "Vehicles": ("5ae69f7c50695d90dc5f0d4af834773d1111923d1ace0404432641e15e56cd24", 242_033),
    "Voices": ("cb9216f52e57ff440dc943a311172af635aa288d5c1775ec85727279fd9ba8ae", 229_714),
    "Water": ("564b39715b69081b5ee0e6215c24b36d9ac92a140ea0514df7c6b0bccca98e87", 53_164),
    "Weapons": ("1f86ae83afa368c26af12f90d3f5224d654164c6e2c0ee54008e3b602b4302e5", 67_746),
    "Weather": ("edadd4ea71f72e3698dfa545aed08bf1298c8c10b07be4d558b42168b7699e51", 38_272),
    "Whistles": ("a5b392f8686bec93738114f2e7ae4562fd2cd421d0fb9d77ec231b9e15c33f4e", 17_908),
    "Whoosh": ("211db937870cfa4b20519d781b3707ea2aca06dd1c962d2532a7576444695883", 189_584),
    "Wood": ("c200ffdeffa0bf5808879cfe4cf0f237174d5fe39f6d75207113e545ccce877b", 51_793),
}
"""Class -> SHA-256 and size in bytes of its table, from the pointers of Git LFS."""

DOWNLOADS = {name: Download(ADDRESS.format(name), f"epidemic_{name}.parquet", sha256, n_bytes) for name, (sha256, n_bytes) in FILES.items()}
"""Class -> its table."""
