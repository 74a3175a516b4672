//! Numbering plans: which country a number belongs to, how long it may be, where its people live.

use chrono_tz::{America, Tz};

use crate::region::Region;

mod nanp;
mod table;

use table::PLANS;

/// What is known about one calling code. Lengths count digits after the calling code.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) code: u16,
    pub(super) region: Option<Region>,
    pub(super) min: u8,
    pub(super) max: u8,
}

/// A number taken apart. `length` counts the digits of `national`, leading zeros included.
#[derive(Clone, Copy, Debug)]
pub(super) struct Parts {
    pub(super) plan: &'static Plan,
    pub(super) national: u64,
    pub(super) length: u32,
}

impl Plan {
    fn of_code(code: u16) -> Option<&'static Self> {
        PLANS.binary_search_by_key(&code, |plan| plan.code).ok().and_then(|index| PLANS.get(index))
    }

    /// The plan in which a region's own numbers are read.
    pub(super) fn of_region(region: Region) -> Option<&'static Self> {
        let shared = match region.as_str() {
            "KZ" => 7,
            "GG" | "IM" | "JE" => 44,
            "SJ" | "BV" => 47,
            "VA" => 39,
            "CC" | "CX" => 61,
            "EH" => 212,
            "YT" | "TF" => 262,
            "AX" => 358,
            "BL" | "MF" => 590,
            "BQ" => 599,
            "AQ" => 672,
            "AG" | "AI" | "AS" | "BB" | "BM" | "BS" | "CA" | "DM" | "DO" | "GD" | "GU" | "JM" | "KN"
            | "KY" | "LC" | "MP" | "MS" | "PR" | "SX" | "TC" | "TT" | "UM" | "VC" | "VG" | "VI" => 1,
            _ => return PLANS.iter().find(|plan| plan.region == Some(region)),
        };
        Self::of_code(shared)
    }

    /// True where a leading zero is a part of the national number, as in Italy.
    pub(super) const fn keeps_zero(&self) -> bool {
        matches!(self.code, 39 | 225 | 229 | 241 | 242 | 378)
    }

    /// What people of this plan dial before a national number and nobody dials from abroad.
    pub(super) const fn trunk_prefixes(&self) -> &'static [&'static str] {
        match self.code {
            1 => &["1"],
            7 => &["8"],
            36 => &["06"],
            52 => &["044", "045", "01", "0"],
            370 => &["8", "0"],
            _ if self.keeps_zero() => &[],
            _ => &["0"],
        }
    }
}

impl Parts {
    /// Takes the digits of an international number apart; `None` for an unknown calling code.
    pub(super) fn of(digits: u64) -> Option<Self> {
        let total = digits.checked_ilog10()? + 1;
        (1..=3.min(total)).find_map(|width| {
            let length = total - width;
            let scale = 10_u64.pow(length);
            let plan = Plan::of_code(u16::try_from(digits / scale).ok()?)?;
            Some(Self { plan, national: digits % scale, length })
        })
    }

    /// The first `count` digits of the national number; all of it when it is shorter.
    pub(super) const fn leading(&self, count: u32) -> u64 {
        self.national / 10_u64.pow(self.length.saturating_sub(count))
    }

    /// True for numbers that the plan can have given to somebody.
    pub(super) fn is_possible(&self) -> bool {
        match self.plan.code {
            1 => self.leading(1) >= 2 && self.leading(4) % 10 >= 2,
            52 => self.length == 10 || self.leading(1) == 1,
            _ => self.leading(1) != 0 || self.plan.keeps_zero(),
        }
    }

    pub(super) fn region(&self) -> Option<Region> {
        let shared = match (self.plan.code, self.leading(1)) {
            (1, _) => return Some(nanp::region(self.area())),
            (7, 6 | 7) => "KZ",
            (47, _) if self.leading(2) == 79 => "SJ",
            (358, _) if self.leading(2) == 18 => "AX",
            (262, _) if matches!(self.leading(3), 269 | 639) => "YT",
            (212, _) if matches!(self.leading(4), 5288 | 5289) => "EH",
            (44, _) => match self.leading(4) {
                1481 | 7781 => "GG",
                1534 | 7509 | 7797 | 7937 => "JE",
                1624 | 7524 | 7624 => "IM",
                _ => return self.plan.region,
            },
            (61, _) if self.leading(5) == 89_162 => "CC",
            (61, _) if self.leading(5) == 89_164 => "CX",
            (39, 0) if self.leading(5) == 6_698 => "VA",
            (599, 3 | 4 | 7) => "BQ",
            (672, 1) => "AQ",
            _ => return self.plan.region,
        };
        shared.parse().ok()
    }

    /// The zones in which the number is used: by area code where the plan says so, else all of
    /// the region's.
    pub(super) fn zones(&self) -> &'static [Tz] {
        let by_area: &[Tz] = match self.plan.code {
            1 => nanp::zones(self.area()),
            55 => brazil(self.leading(2)),
            _ => &[],
        };
        if by_area.is_empty() { self.region().map_or(&[], |region| region.zones()) } else { by_area }
    }

    fn area(&self) -> u16 {
        u16::try_from(self.leading(3)).unwrap_or_default()
    }

    /// The form in which two spellings of one line are equal: international digits.
    pub(super) fn canonical(&self) -> u64 {
        let code = u64::from(self.plan.code);
        match self.plan.code {
            55 if self.length == 10 && is_brazilian_area(self.leading(2)) => {
                let line = self.national % 100_000_000;
                let ninth = if line >= 60_000_000 { Some(900_000_000) } else { None };
                match ninth {
                    Some(ninth) => code * 100_000_000_000 + self.leading(2) * 1_000_000_000 + ninth + line,
                    None => code * 10_000_000_000 + self.national,
                }
            }
            52 if self.length == 11 && self.leading(1) == 1 => {
                code * 10_000_000_000 + self.national % 10_000_000_000
            }
            _ => code * 10_u64.pow(self.length) + self.national,
        }
    }
}

/// Source: Anatel, list of national codes (DDD) in use.
const fn is_brazilian_area(area: u64) -> bool {
    matches!(area, 11..=19 | 21 | 22 | 24 | 27 | 28 | 31..=35 | 37 | 38 | 41..=49 | 51 | 53..=55 | 61..=69
        | 71 | 73..=75 | 77 | 79 | 81..=89 | 91..=99)
}

const fn brazil(area: u64) -> &'static [Tz] {
    match area {
        65 | 66 => &[America::Cuiaba],
        67 => &[America::Campo_Grande],
        68 => &[America::Rio_Branco],
        69 => &[America::Porto_Velho],
        92 => &[America::Manaus],
        95 => &[America::Boa_Vista],
        97 => &[America::Manaus, America::Eirunepe],
        _ => &[America::Sao_Paulo],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calling_codes_are_sorted_and_none_begins_another() {
        assert!(PLANS.is_sorted_by_key(|plan| plan.code));
        for plan in &PLANS {
            assert!(plan.min <= plan.max && u32::from(plan.max) + plan.code.ilog10() < 15, "{plan:?}");
            let shorter = [plan.code / 10, plan.code / 100];
            assert!(shorter.iter().all(|code| *code == 0 || Plan::of_code(*code).is_none()), "{plan:?}");
        }
    }

    #[test]
    fn a_region_finds_the_plan_that_leads_back_to_it() {
        for plan in &PLANS {
            if let Some(region) = plan.region {
                assert_eq!(Plan::of_region(region).unwrap().region, Some(region));
            }
        }
        assert_eq!(Plan::of_region(Region::known("CA")).unwrap().code, 1);
        assert_eq!(Plan::of_region(Region::known("KZ")).unwrap().code, 7);
    }
}
