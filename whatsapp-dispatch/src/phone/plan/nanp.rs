//! The North American plan: more than twenty countries behind +1, told apart by area code.
//!
//! Source: area code assignments of the North American Numbering Plan Administrator. An area
//! code that is not listed, such as a new overlay, counts as the United States with all its zones.

use chrono_tz::America::{
    Anchorage, Chicago, Denver, Edmonton, Halifax, Iqaluit, Los_Angeles, New_York, Phoenix, Regina, St_Johns,
    Toronto, Vancouver, Whitehorse, Winnipeg, Yellowknife,
};
use chrono_tz::{Pacific, Tz};

use crate::region::Region;

const EASTERN: &[Tz] = &[New_York];
const CENTRAL: &[Tz] = &[Chicago];
const MOUNTAIN: &[Tz] = &[Denver];
const ARIZONA: &[Tz] = &[Phoenix];
const PACIFIC: &[Tz] = &[Los_Angeles];
const ALASKA: &[Tz] = &[Anchorage];
const HAWAII: &[Tz] = &[Pacific::Honolulu];
const EASTERN_AND_CENTRAL: &[Tz] = &[New_York, Chicago];
const CENTRAL_AND_MOUNTAIN: &[Tz] = &[Chicago, Denver];
const MOUNTAIN_AND_PACIFIC: &[Tz] = &[Denver, Los_Angeles];

const NEWFOUNDLAND: &[Tz] = &[St_Johns, Halifax];
const ATLANTIC: &[Tz] = &[Halifax];
const ONTARIO_AND_QUEBEC: &[Tz] = &[Toronto];
const ONTARIO_AND_MANITOBA: &[Tz] = &[Toronto, Winnipeg];
const MANITOBA: &[Tz] = &[Winnipeg];
const SASKATCHEWAN: &[Tz] = &[Regina];
const ALBERTA: &[Tz] = &[Edmonton];
const VANCOUVER: &[Tz] = &[Vancouver];
const BRITISH_COLUMBIA: &[Tz] = &[Vancouver, Edmonton];
const NORTH: &[Tz] = &[Yellowknife, Whitehorse, Iqaluit];

/// The country of an area code.
#[rustfmt::skip]
pub(super) const fn region(area: u16) -> Region {
    match area {
        204 | 226 | 236 | 249 | 250 | 257 | 263 | 289 | 306 | 343 | 354 | 365 | 367 | 368 | 382 | 387 | 403
        | 416 | 418 | 428 | 431 | 437 | 438 | 450 | 460 | 468 | 474 | 506 | 514 | 519 | 548 | 579 | 581
        | 584 | 587 | 600 | 604 | 613 | 622 | 639 | 647 | 672 | 683 | 705 | 709 | 742 | 753 | 778 | 780
        | 782 | 807 | 819 | 825 | 867 | 873 | 879 | 902 | 905 | 942 => const { Region::known("CA") },
        268 => const { Region::known("AG") },
        264 => const { Region::known("AI") },
        684 => const { Region::known("AS") },
        246 => const { Region::known("BB") },
        441 => const { Region::known("BM") },
        242 => const { Region::known("BS") },
        767 => const { Region::known("DM") },
        809 | 829 | 849 => const { Region::known("DO") },
        473 => const { Region::known("GD") },
        671 => const { Region::known("GU") },
        658 | 876 => const { Region::known("JM") },
        869 => const { Region::known("KN") },
        345 => const { Region::known("KY") },
        758 => const { Region::known("LC") },
        670 => const { Region::known("MP") },
        664 => const { Region::known("MS") },
        787 | 939 => const { Region::known("PR") },
        721 => const { Region::known("SX") },
        649 => const { Region::known("TC") },
        868 => const { Region::known("TT") },
        784 => const { Region::known("VC") },
        284 => const { Region::known("VG") },
        340 => const { Region::known("VI") },
        _ => const { Region::known("US") },
    }
}

/// The zones in which an area code is used; empty when it is not known to be in one part of its
/// country.
#[rustfmt::skip]
pub(super) const fn zones(area: u16) -> &'static [Tz] {
    match area {
        201 | 202 | 203 | 207 | 212 | 215 | 216 | 220 | 223 | 227 | 229 | 231 | 234 | 239 | 240 | 248 | 252
        | 260 | 267 | 269 | 272 | 276 | 283 | 301 | 302 | 304 | 305 | 313 | 315 | 317 | 321 | 324 | 326
        | 329 | 330 | 332 | 336 | 339 | 347 | 351 | 352 | 363 | 380 | 386 | 401 | 404 | 407 | 410 | 412
        | 413 | 419 | 423 | 434 | 436 | 440 | 443 | 445 | 463 | 470 | 472 | 475 | 478 | 484 | 502 | 508
        | 513 | 516 | 517 | 518 | 540 | 551 | 561 | 567 | 570 | 571 | 574 | 582 | 585 | 586 | 603 | 606
        | 607 | 609 | 610 | 614 | 616 | 617 | 624 | 631 | 640 | 645 | 646 | 656 | 667 | 678 | 679 | 680
        | 681 | 686 | 689 | 703 | 704 | 706 | 716 | 717 | 718 | 724 | 727 | 728 | 732 | 734 | 740 | 743
        | 754 | 757 | 762 | 765 | 770 | 771 | 772 | 774 | 781 | 786 | 802 | 803 | 804 | 810 | 813 | 814
        | 821 | 826 | 828 | 835 | 838 | 839 | 843 | 845 | 848 | 854 | 856 | 857 | 859 | 860 | 862 | 863
        | 864 | 865 | 878 | 904 | 908 | 910 | 912 | 914 | 917 | 919 | 929 | 934 | 937 | 941 | 943 | 947
        | 948 | 954 | 959 | 973 | 978 | 980 | 984 | 989 => EASTERN,
        205 | 210 | 214 | 217 | 218 | 224 | 225 | 228 | 235 | 251 | 254 | 256 | 262 | 274 | 281 | 309 | 312
        | 314 | 316 | 318 | 319 | 320 | 325 | 327 | 331 | 334 | 337 | 346 | 353 | 361 | 402 | 405 | 409
        | 414 | 417 | 430 | 432 | 447 | 457 | 464 | 469 | 471 | 479 | 501 | 504 | 507 | 512 | 515 | 531
        | 534 | 539 | 557 | 563 | 572 | 573 | 580 | 601 | 608 | 612 | 615 | 618 | 621 | 629 | 630 | 636
        | 641 | 651 | 659 | 660 | 662 | 682 | 708 | 712 | 713 | 715 | 726 | 730 | 731 | 737 | 763 | 769
        | 773 | 779 | 806 | 815 | 816 | 817 | 830 | 832 | 847 | 861 | 870 | 872 | 901 | 903 | 913 | 918
        | 920 | 924 | 936 | 938 | 940 | 945 | 952 | 956 | 972 | 975 | 979 | 985 => CENTRAL,
        219 | 270 | 364 | 448 | 812 | 850 | 906 | 930 | 931 => EASTERN_AND_CENTRAL,
        308 | 605 | 620 | 701 | 785 => CENTRAL_AND_MOUNTAIN,
        303 | 307 | 385 | 406 | 435 | 505 | 575 | 719 | 720 | 801 | 915 | 970 | 983 => MOUNTAIN,
        480 | 520 | 602 | 623 | 928 => ARIZONA,
        208 | 458 | 541 | 986 => MOUNTAIN_AND_PACIFIC,
        206 | 209 | 213 | 253 | 279 | 310 | 323 | 341 | 350 | 360 | 408 | 415 | 424 | 425 | 442 | 503 | 509
        | 510 | 530 | 559 | 562 | 564 | 619 | 626 | 628 | 650 | 657 | 661 | 669 | 702 | 707 | 714 | 725
        | 738 | 747 | 760 | 775 | 805 | 818 | 820 | 831 | 837 | 840 | 858 | 909 | 916 | 925 | 949 | 951
        | 971 => PACIFIC,
        907 => ALASKA,
        808 => HAWAII,
        709 | 879 => NEWFOUNDLAND,
        428 | 506 | 782 | 902 => ATLANTIC,
        226 | 249 | 263 | 289 | 343 | 354 | 365 | 367 | 382 | 387 | 416 | 418 | 437 | 438 | 450 | 460 | 468
        | 514 | 519 | 548 | 579 | 581 | 613 | 647 | 683 | 705 | 742 | 753 | 819 | 873 | 905 | 942 => ONTARIO_AND_QUEBEC,
        807 => ONTARIO_AND_MANITOBA,
        204 | 431 | 584 => MANITOBA,
        306 | 474 | 639 => SASKATCHEWAN,
        368 | 403 | 587 | 780 | 825 => ALBERTA,
        604 => VANCOUVER,
        236 | 250 | 257 | 672 | 778 => BRITISH_COLUMBIA,
        867 => NORTH,
        _ => &[],
    }
}
