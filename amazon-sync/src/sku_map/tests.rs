use std::collections::BTreeMap;
use std::fmt::Write as _;

use proptest::prelude::*;

use super::*;

fn sku(text: &str) -> Sku {
    Sku::parse(text).unwrap()
}

fn read(rows: &str) -> Result<SkuMap, SkuMapError> {
    SkuMap::from_csv(format!("sku,channel,kind,of,units\n{rows}").as_bytes())
}

#[track_caller]
fn parts(map: &SkuMap, name: &str) -> Vec<(String, u32)> {
    let recipe = map.recipe(&sku(name)).unwrap();
    recipe.iter().map(|(item, units)| (map.item_code(item).unwrap().to_string(), units)).collect()
}

/// All faults, each as its line.
#[track_caller]
fn faults(rows: &str) -> Vec<String> {
    read(rows).unwrap_err().faults.iter().map(ToString::to_string).collect()
}

#[test]
fn everything_comes_down_to_items() {
    let map = read(
        "PARTY,DEFAULT,bundle,GIFT,2\n\
         PARTY,,bundle,MUG-6,1\n\
         GIFT,DEFAULT,bundle,MUG,1\n\
         GIFT,DEFAULT,bundle,SPOON,2\n\
         MUG-6,DEFAULT,pack,CUP,6\n\
         CUP,DEFAULT,alias,MUG,\n\
         MUG,DEFAULT,item,mug,\n\
         SPOON,,item,spoon,1\n\
         SCREWS,DEFAULT,item,screw,100\n\
         PLAIN,DEFAULT,,,\n",
    )
    .unwrap();
    let of = |name| parts(&map, name);
    assert_eq!(of("PARTY"), [("mug".to_owned(), 8), ("spoon".to_owned(), 4)]);
    assert_eq!(of("CUP"), [("mug".to_owned(), 1)]);
    assert_eq!(of("SCREWS"), [("screw".to_owned(), 100)]);
    assert_eq!(of("PLAIN"), [("PLAIN".to_owned(), 1)]);
    assert_eq!((map.item_count(), map.listing_count()), (4, 7));
    // What is not listed has a recipe all the same: orders may name it.
    assert_eq!(of("SPOON"), [("spoon".to_owned(), 1)]);
    assert_eq!(map.listing(&sku("SPOON"), &Channel::Merchant), Err(Unresolved::Unmapped));

    let mug = map.item(&ItemCode::parse("mug").unwrap()).unwrap();
    let uses: Vec<_> = map.uses(mug).iter().map(|id| map.mapped(*id).unwrap().sku.as_str()).collect();
    assert_eq!(uses, ["CUP", "GIFT", "MUG", "MUG-6", "PARTY"]);
}

#[test]
fn a_sku_may_be_listed_through_several_channels() {
    let csv = "sku;channel;asin;product_type;note\nMUG;DEFAULT AMAZON_EU;B07N4M94X4;DRINKING_CUP;blue\n\
               MUG;SHED;;;\nCUP;AMAZON_EU;;;\n";
    let map = SkuMap::from_csv(csv.as_bytes()).unwrap();
    let channels: Vec<_> =
        map.listings().map(|(_, listing)| format!("{} {}", listing.sku, listing.channel)).collect();
    assert_eq!(channels, ["CUP AMAZON_EU", "MUG DEFAULT", "MUG AMAZON_EU", "MUG SHED"]);
    let shed = map.listing(&sku("MUG"), &Channel::of("SHED")).unwrap();
    let listing = map.mapped(shed).unwrap();
    assert_eq!(listing.asin.map(Asin::as_str), Some("B07N4M94X4"));
    assert_eq!(listing.product_type, Some("DRINKING_CUP"));
    assert_eq!(map.listings_of(&sku("MUG")).unwrap().count(), 3);
    assert!(map.recipe_of(shed).is_some());
}

#[test]
fn a_channel_that_is_miswritten_is_not_taken_for_a_supply_source() {
    for channel in ["amazon_eu", "Default", "FBA", "afn", "MFN"] {
        let found = faults(&format!("MUG,{channel},item,mug,\n"));
        assert_eq!(found.len(), 1);
        assert!(
            found[0].starts_with(&format!("line 2: {channel:?} is no channel code; write DEFAULT")),
            "{found:?}"
        );
    }
    assert!(read("MUG,4a9d-SHED,item,mug,\n").is_ok());
}

#[test]
fn all_faults_of_a_file_are_told_with_line_and_remedy() {
    let found = faults(
        "MUG,DEFAULT,item,mug,\n\
         MUG,DEFAULT,item,cup,\n\
         SET,DEFAULT,bundle,MUG,1\n\
         SET,DEFAULT,bundle,MUG,2\n\
         SIX,DEFAULT,pack,MUGG,6\n\
         A,DEFAULT,alias,B,\n\
         B,DEFAULT,pack,C,2\n\
         C,DEFAULT,alias,A,\n\
         NONE,DEFAULT,pack,NIL,0\n\
         NIL,,item,nil,\n\
         HUGE,DEFAULT,item,nil,4006381333931\n\
         ONE,DEFAULT,pack,NIL,1\n\
         TWO,DEFAULT,bundle,NIL,\n\
         WHAT,DEFAULT,packs,NIL,2\n\
         OF,DEFAULT,alias,,\n\
         X,DEFAULT,item,x\n\
         PAIR,DEFAULT,pack,SIX,2\n\
         ,DEFAULT,item,x,\n",
    );
    let expected = [
        "line 3: SKU \"MUG\" is defined in line 2 already, in another way; remove one of the two",
        "line 5: bundle \"SET\" has \"MUG\" in line 4 already; write it once, with all its units",
        "line 6: SKU \"SIX\" is made of \"MUGG\", which the map does not have; add a row for \"MUGG\", with an \
         empty channel if it is not listed itself",
        "line 7: SKU \"A\" is made of itself: A > B > C > A; break the circle",
        "line 10: \"0\" cannot be the units of pack \"NONE\"; write 2 to 1000000",
        "line 12: \"4006381333931\" cannot be the units of item \"HUGE\"; write 1 to 1000000",
        "line 13: \"1\" cannot be the units of pack \"ONE\"; write 2 to 1000000",
        "line 14: \"\" cannot be the units of bundle \"TWO\"; write 1 to 1000000",
        "line 15: \"packs\" is no kind; write item, alias, pack or bundle",
        "line 16: column of is empty; write the SKU that it is made of",
        "line 17: it has 4 cells where the header has 5; add what is missing, or put cells that hold the \
         delimiter in quotes",
        "line 18: SKU \"PAIR\" is made of \"SIX\", whose own definition is refused; correct that one",
    ];
    assert_eq!(found.len(), 13, "{found:#?}");
    for (found, expected) in found.iter().zip(expected) {
        assert_eq!(found, expected);
    }
    assert!(found[12].starts_with("line 19: column sku: \"\" is no SKU: use 1 to 40"), "{}", found[12]);
}

#[test]
fn a_map_of_the_rest_says_why_a_sku_stands_for_nothing() {
    let csv = "sku,channel,kind,of,units\nMUG,DEFAULT,item,mug,\nCUP,DEFAULT,item,cup,\nCUP,DEFAULT,item,mug,\n\
               SIX,DEFAULT,pack,CUP,6\nA,DEFAULT,alias,A,\nSET,DEFAULT,bundle,MUG,1\nSET,,bundle,MUG,x\n";
    let (map, error) = SkuMapBuilder::read_csv(csv.as_bytes()).build_rest();
    assert_eq!(parts(&map, "MUG"), [("mug".to_owned(), 1)]);
    let why = |name: &str| map.recipe(&sku(name)).unwrap_err();
    assert_eq!(why("CUP"), Unresolved::Ambiguous);
    assert_eq!(why("SIX"), Unresolved::Refused);
    assert_eq!(why("A"), Unresolved::Refused);
    assert_eq!(why("SET"), Unresolved::Refused, "half a bundle would be sold twice");
    assert_eq!(why("PLATE"), Unresolved::Unmapped);
    let codes = [Unresolved::Unmapped, Unresolved::Ambiguous, Unresolved::Refused].map(Unresolved::code);
    assert_eq!(codes.map(|code| code.to_string()), ["sku.unmapped", "sku.ambiguous", "sku.refused"]);
    assert_eq!(map.listing_count(), 1);
    assert_eq!(error.faults.len(), 4, "{error}");
    assert!(error.to_string().starts_with("the SKU map has 4 faults\n  line 4: SKU \"CUP\""), "{error}");
}

#[test]
fn units_and_items_that_nest_beyond_reason_are_refused() {
    let nested = "A,DEFAULT,item,a,1000\nB,DEFAULT,pack,A,1000\nC,DEFAULT,pack,B,2\n";
    assert_eq!(
        faults(nested),
        [
            "line 4: one unit of SKU \"C\" would be made of 1000000 x 2 units of an item; correct its units or parts"
        ]
    );
    let mut many = String::new();
    for n in 0..1_001 {
        writeln!(many, "I{n},,item,,\nALL,DEFAULT,bundle,I{n},1").unwrap();
    }
    let found = faults(&many);
    assert_eq!(found.len(), 1);
    assert!(found[0].contains("1001 different items, and 1000 is the most"), "{}", found[0]);
}

#[test]
fn a_chain_of_a_hundred_thousand_aliases_needs_no_deep_stack() {
    let mut rows = String::from("S0,DEFAULT,item,mug,\n");
    for n in (1..100_000).rev() {
        writeln!(rows, "S{n},DEFAULT,alias,S{},", n - 1).unwrap();
    }
    let map = read(&rows).unwrap();
    assert_eq!(parts(&map, "S99999"), [("mug".to_owned(), 1)]);
    let circle = rows.replacen("item,mug", "alias,S99999", 1);
    let found = faults(&circle);
    assert_eq!(found.len(), 1);
    assert_eq!(
        found[0],
        "line 2: SKU \"S0\" is made of itself: S0 > S99999 > S99998 > S99997 > S99996 > S99995 > S99994 > \
         S99993 > ... > S0; break the circle"
    );
}

#[test]
fn headers_are_found_by_name_and_say_what_is_missing() {
    let read = |csv: &str| SkuMap::from_csv(csv.as_bytes());
    assert!(read("\u{feff}Kind\tUnits\tOF\tSKU\tChannel\nitem\t2\tmug\tMUG\tDEFAULT\n").is_ok());
    let error = |csv: &str| read(csv).unwrap_err().to_string();
    assert!(error("sku,unit\nMUG,2\n").contains("line 1: column \"unit\" is not known; use sku, channel"));
    assert!(error("sku,unit\nMUG,2\n").contains("line 1: there is no column channel; name one so"));
    assert!(error("sku,channel,sku\n").contains("column \"sku\" is named twice"));
    assert!(error("").contains("the file is empty"));
    assert!(error("sku,channel\n\"MUG,DEFAULT\nCUP,DEFAULT\n").contains("line 2: a quote opens here"));
    let latin = SkuMap::from_csv(&b"sku,channel\nM\xfcG,DEFAULT\nCUP,DEFAULT\n"[..]).unwrap_err();
    assert_eq!(latin.faults.len(), 1);
    assert!(latin.to_string().contains("line 2: it is not UTF-8"), "{latin}");
    // An empty line, or one of a spreadsheet's empty cells, is no row.
    assert_eq!(read("sku,channel\n\n,\nMUG,DEFAULT\n").unwrap().listing_count(), 1);
}

#[test]
fn one_sku_has_one_asin() {
    let csv = "sku,channel,asin\nMUG,DEFAULT,B07N4M94X4\nMUG,SHED,B07N4M94X5\n";
    let error = SkuMap::from_csv(csv.as_bytes()).unwrap_err().to_string();
    assert!(error.contains("line 3: SKU \"MUG\" has another asin in line 2"), "{error}");
}

#[test]
fn a_thousand_faults_are_told_and_the_rest_counted() {
    let rows: Vec<_> = (0..1_500).map(|n| format!("S{n},DEFAULT,pack,NIL,2\n")).collect();
    let error = read(&rows.concat()).unwrap_err();
    assert_eq!((error.faults.len(), error.more), (1_000, 500));
    assert!(error.to_string().ends_with("and 500 more"));
}

/// SKU `n` is made of SKUs below it: no circles.
fn definitions() -> impl Strategy<Value = Vec<Vec<(usize, u32)>>> {
    let parts = prop::collection::btree_map(0..1_000_usize, 1..4_u32, 0..4);
    prop::collection::vec(parts, 1..12).prop_map(|definitions| {
        let below = |n: usize, parts: BTreeMap<usize, u32>| {
            let parts = parts.into_iter().filter(|_| n > 0);
            parts.map(|(of, units)| (of % n.max(1), units)).collect::<BTreeMap<_, _>>()
        };
        definitions.into_iter().enumerate().map(|(n, parts)| below(n, parts).into_iter().collect()).collect()
    })
}

/// What a definition comes down to, the plain way.
fn expand(definitions: &[Vec<(usize, u32)>], at: usize) -> BTreeMap<String, u32> {
    let mut sum = BTreeMap::new();
    if definitions[at].is_empty() {
        sum.insert(format!("i{}", at % 3), 1);
    }
    for (of, units) in &definitions[at] {
        for (item, in_one) in expand(definitions, *of) {
            *sum.entry(item).or_default() += in_one * units;
        }
    }
    sum
}

proptest! {
    #[test]
    fn recipes_are_what_following_every_definition_gives(
        definitions in definitions(),
        order in any::<prop::sample::Index>(),
    ) {
        let mut rows: Vec<String> = Vec::new();
        for (n, parts) in definitions.iter().enumerate() {
            if parts.is_empty() {
                rows.push(format!("S{n},DEFAULT,item,i{},\n", n % 3));
            }
            rows.extend(parts.iter().map(|(of, units)| format!("S{n},DEFAULT,bundle,S{of},{units}\n")));
        }
        let middle = order.index(rows.len());
        rows.rotate_left(middle);
        let map = read(&rows.concat()).unwrap();
        for n in 0..definitions.len() {
            let expected: Vec<_> = expand(&definitions, n).into_iter().collect();
            prop_assert_eq!(parts(&map, &format!("S{n}")), expected);
        }
        // The index of uses is the recipes, turned round.
        for (item, _) in map.items() {
            let uses: Vec<_> = map
                .listings()
                .filter(|(id, _)| map.recipe_of(*id).unwrap().iter().any(|(part, _)| part == item))
                .map(|(id, _)| id)
                .collect();
            prop_assert_eq!(map.uses(item), uses);
        }
    }

    #[test]
    fn nothing_that_is_read_makes_it_panic(csv in "(sku|channel|kind|of|units|[,;\n\"A-C0-2]|item|pack|alias|bundle){0,60}") {
        let csv = format!("sku,channel,kind,of,units\n{csv}");
        let (map, error) = SkuMapBuilder::read_csv(csv.as_bytes()).build_rest();
        prop_assert_eq!(SkuMap::from_csv(csv.as_bytes()).is_ok(), error.is_empty());
        for (id, listing) in map.listings() {
            prop_assert!(map.recipe_of(id).unwrap().iter().len() > 0);
            prop_assert_eq!(map.listing(listing.sku, listing.channel), Ok(id));
        }
    }
}
