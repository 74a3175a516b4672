use proptest::prelude::*;

use super::*;
use crate::demand::LagBuffer;
use crate::sku::{ItemCode, Sku};

const ROWS: &str = "sku,channel,kind,of,units\nA,DEFAULT SHED,item,a,\nB,DEFAULT,item,b,3\nSET,DEFAULT,bundle,A,2\n\
                    SET,,bundle,B,1\nFBA,AMAZON_EU,alias,SET,\n";

fn map() -> Arc<SkuMap> {
    Arc::new(SkuMap::from_csv(ROWS.as_bytes()).unwrap())
}

fn quantity(number: i64) -> Quantity {
    Quantity::new(number).unwrap()
}

fn numbers(available: &Available) -> Vec<(String, Option<u32>)> {
    let mut cells = vec![Cell::NONE; available.map().listing_count()];
    available.all(&mut cells);
    let names = available.map().listings().map(|(_, listing)| format!("{} {}", listing.sku, listing.channel));
    names.zip(cells.into_iter().map(|cell| cell.get().map(Quantity::get))).collect()
}

fn with(policy: &StockPolicy, a: i64, b: i64) -> Vec<Option<u32>> {
    let mut available = Available::new(map(), policy);
    for (item, free) in [("a", a), ("b", b)] {
        let item = available.map().item(&ItemCode::parse(item).unwrap()).unwrap();
        available.set(item, Units::new(free), Quantity::ZERO);
    }
    numbers(&available).into_iter().map(|(_, number)| number).collect()
}

#[test]
fn listings_share_their_items_and_amazons_own_get_no_number() {
    let names: Vec<_> = numbers(&Available::new(map(), &StockPolicy::default()));
    let names: Vec<_> = names.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["A DEFAULT", "A SHED", "B DEFAULT", "FBA AMAZON_EU", "SET DEFAULT"]);
    let all = StockPolicy::default();
    assert_eq!(with(&all, 7, 20), [Some(7), Some(7), Some(6), None, Some(3)]);
    // One unit of A less, and everything that is made of it follows.
    assert_eq!(with(&all, 5, 20), [Some(5), Some(5), Some(6), None, Some(2)]);
    assert_eq!(with(&all, -4, 20), [Some(0), Some(0), Some(6), None, Some(0)]);
    assert_eq!(with(&all, i64::MAX, i64::MIN), [Some(99_999_999), Some(99_999_999), Some(0), None, Some(0)]);
}

#[test]
fn safety_shares_and_caps_come_from_the_nearest_place_that_names_them() {
    let policy: StockPolicy = toml::from_str(
        r"
        safety = 1
        cap = 50
        shares = { DEFAULT = 0.5, SHED = 0.25 }

        [items.a]
        safety = 3
        shares = { DEFAULT = 0.9 }

        [items.b]
        lag_buffer = { quantile = 0.95 }

        [skus.B]
        share = 1.0
        cap = 2
        ",
    )
    .unwrap();
    // A: (13 - 3) x 0.9 and x 0.25. B: (40 - 1) / 3, capped. SET: least of 10 x 0.9 / 2 and 39 x 0.5 / 3.
    assert_eq!(with(&policy, 13, 40), [Some(9), Some(2), Some(2), None, Some(4)]);
    assert_eq!(with(&policy, 1_000, 1_000), [Some(50), Some(50), Some(2), None, Some(50)]);
    let buffer = LagBuffer::new(0.95, 8.0, std::time::Duration::from_secs(86_400)).unwrap();
    assert_eq!(policy.lag_buffer_of(&ItemCode::parse("b").unwrap()), buffer);
    assert_eq!(policy.lag_buffer_of(&ItemCode::parse("a").unwrap()), LagBuffer::default());
    assert_eq!(policy.unknown_to(&map()), Vec::<String>::new());
    let other = SkuMap::from_csv(&b"sku,channel,of\nA,DEFAULT,a\n"[..]).unwrap();
    assert_eq!(policy.unknown_to(&other), ["item \"b\"", "SKU \"B\""]);
}

#[test]
fn a_policy_says_what_is_wrong_with_it() {
    for (text, expected) in [
        ("safty = 1", "unknown field `safty`"),
        ("safety = -1", "-1 is no quantity"),
        ("shares = { DEFAULT = 1.5 }", "1.5 is no share: use 0 to 1"),
        ("shares = { DEFAULT = 0.12345 }", "0.12345 is no share"),
        ("[items.a]\nshare = 1.0", "unknown field `share`"),
        ("lag_buffer = { quantile = 1.0 }", "quantile of the lag buffer cannot be 1: use 0 to 0.9999"),
        ("lag_buffer = { quantil = 0.5 }", "unknown field `quantil`"),
    ] {
        let error = toml::from_str::<StockPolicy>(text).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
    let policy = StockPolicy { cap: Some(quantity(9)), ..StockPolicy::default() };
    assert_eq!(toml::from_str::<StockPolicy>(&toml::to_string(&policy).unwrap()).unwrap(), policy);
}

#[test]
fn only_the_listings_of_an_item_need_another_look() {
    let mut available = Available::new(map(), &StockPolicy::default());
    let b = available.map().item(&ItemCode::parse("b").unwrap()).unwrap();
    available.set(b, Units::new(9), quantity(3));
    let map = Arc::clone(available.map());
    let mut cells = vec![Cell::NONE];
    available.some(map.uses(b), &mut cells);
    let numbers: Vec<_> = cells.iter().map(|cell| cell.get().map(Quantity::get)).collect();
    // B, FBA and SET, of which there are no A.
    assert_eq!(numbers, [Some(2), None, Some(0)]);
}

proptest! {
    #[test]
    fn available_is_the_formula(
        free in prop::collection::vec(prop_oneof![-5..60_i64, any::<i64>()], 2),
        buffer in 0..5_i64,
        safety in 0..5_i64,
        cap in prop_oneof![0..40_i64, Just(99_999_999)],
        tenthousandths in 0..=10_000_u16,
    ) {
        let share = f64::from(tenthousandths) / 10_000.0;
        let policy = StockPolicy {
            safety: quantity(safety),
            cap: Some(quantity(cap)),
            shares: [("DEFAULT".to_owned(), Share::new(share).unwrap())].into(),
            ..StockPolicy::default()
        };
        let mut available = Available::new(map(), &policy);
        let map = Arc::clone(available.map());
        for ((item, _), free) in map.items().zip(&free) {
            available.set(item, Units::new(*free), quantity(buffer));
        }
        let set = map.listing(&Sku::parse("SET").unwrap(), &crate::listing::Channel::Merchant).unwrap();
        let whole = [(0, 2), (1, 3)].map(|(item, units)| {
            let rest = (i128::from(free[item]) - i128::from(safety + buffer)).clamp(0, i128::from(i32::MAX));
            rest * i128::from(tenthousandths) / (units * 10_000)
        });
        let expected = whole.into_iter().min().unwrap().min(i128::from(cap));
        prop_assert_eq!(available.of(set).map(|number| i128::from(number.get())), Some(expected));
    }

    #[test]
    fn fewer_units_never_offer_more(free in 0..200_i64, less in 0..50_i64, share in 0..=10_000_u16) {
        let policy = StockPolicy {
            shares: [("DEFAULT".to_owned(), Share::new(f64::from(share) / 10_000.0).unwrap())].into(),
            ..StockPolicy::default()
        };
        let (more, less) = (with(&policy, free, 90), with(&policy, free - less, 90));
        prop_assert!(less.iter().zip(&more).all(|(less, more)| less <= more));
    }
}
