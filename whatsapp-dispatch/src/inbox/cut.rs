//! A change that is too large for one record becomes several smaller ones.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde_json::value::RawValue;

/// A change in pieces that fit, and what could not be made to fit.
#[derive(Debug, Default)]
pub(super) struct Cut {
    pub(super) pieces: Vec<Bytes>,
    pub(super) too_large: Vec<Bytes>,
}

/// The lists of a change that may be cut between any two of their items, in the order in which
/// they are applied: who is who comes before what they did.
const LISTS: [&str; 5] = ["contacts", "user_id_update", "user_preferences", "statuses", "messages"];

type Object<'a> = BTreeMap<String, &'a RawValue>;

/// Cuts a change, as [`split`](crate::webhook::split) wrote it, into pieces of at most `limit` bytes.
/// What is not in a list that may be cut stands in every piece.
pub(super) fn cut(change: &Bytes, limit: usize) -> Cut {
    if change.len() <= limit {
        return Cut { pieces: vec![change.clone()], too_large: Vec::new() };
    }
    pieces(change, limit).unwrap_or_else(|| Cut { pieces: Vec::new(), too_large: vec![change.clone()] })
}

/// `None` when there is nothing to cut.
fn pieces(change: &Bytes, limit: usize) -> Option<Cut> {
    let mut alone: Object<'_> = serde_json::from_slice(change).ok()?;
    let mut change: Object<'_> = serde_json::from_str(alone.remove("change")?.get()).ok()?;
    let mut value: Object<'_> = serde_json::from_str(change.remove("value")?.get()).ok()?;
    let lists = LISTS.map(|name| (name, value.remove(name)));

    let mut before = format!(r#"{{{}"change":{{{}"value":{{"#, inner(&alone), inner(&change));
    before.push_str(&inner(&value));
    if limit <= before.len() + AFTER.len() {
        return None;
    }
    let mut cut = Cut::default();
    for (name, list) in lists {
        let items: Vec<&RawValue> =
            list.and_then(|list| serde_json::from_str(list.get()).ok()).unwrap_or_default();
        let before = format!(r#"{before}"{name}":["#);
        let (mut piece, mut empty) = (before.clone(), true);
        for item in items {
            if !empty && limit < piece.len() + 1 + item.get().len() + AFTER.len() {
                cut.put(std::mem::replace(&mut piece, before.clone()), limit);
                empty = true;
            }
            if !empty {
                piece.push(',');
            }
            piece.push_str(item.get());
            empty = false;
        }
        if !empty {
            cut.put(piece, limit);
        }
    }
    (!cut.pieces.is_empty()).then_some(cut)
}

/// What closes a piece.
const AFTER: &str = "]}}}";

impl Cut {
    fn put(&mut self, mut piece: String, limit: usize) {
        piece.push_str(AFTER);
        let to = if piece.len() <= limit { &mut self.pieces } else { &mut self.too_large };
        to.push(piece.into());
    }
}

/// An object without its braces, each member followed by a comma.
fn inner(object: &Object<'_>) -> String {
    let member = |(name, value): (&String, &&RawValue)| {
        let name = serde_json::to_string(name).unwrap_or_default();
        format!("{name}:{},", value.get())
    };
    object.iter().map(member).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;
    use crate::webhook::split;

    fn change(value: &Value) -> Bytes {
        let body =
            json!({"entry": [{"id": "17", "time": 1, "changes": [{"field": "messages", "value": value}]}]});
        split(body.to_string().as_bytes()).unwrap().remove(0).bytes
    }

    fn value(piece: &Bytes) -> Value {
        let piece: Value = serde_json::from_slice(piece).unwrap();
        assert_eq!((&piece["waba"], &piece["change"]["field"]), (&json!("17"), &json!("messages")));
        piece["change"]["value"].clone()
    }

    #[test]
    fn what_cannot_be_cut_is_told_apart() {
        let long = "x".repeat(500);
        let whole = change(&json!({"metadata": long}));
        let cut = cut(&whole, 300);
        assert_eq!((cut.pieces.len(), cut.too_large), (0, vec![whole]));

        let one = super::cut(&change(&json!({"statuses": [{"id": "a"}, {"id": long}, {"id": "b"}]})), 300);
        assert_eq!((one.pieces.len(), one.too_large.len()), (2, 1));
    }

    #[test]
    fn every_list_is_cut() {
        for list in LISTS {
            let items: Vec<Value> = (0..100).map(|n| json!({"wa_id": format!("{n:020}")})).collect();
            let cut = cut(&change(&json!({"metadata": {}, list: items})), 400);
            assert!(8 < cut.pieces.len() && cut.too_large.is_empty(), "{list}");
            let found = cut.pieces.iter().flat_map(|piece| value(piece)[list].as_array().unwrap().clone());
            assert_eq!(found.collect::<Vec<_>>(), items);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn the_pieces_hold_every_item_once_in_order(
            statuses in prop::collection::vec("[a-z\"\\\\é]{0,60}", 0..60),
            messages in prop::collection::vec("[a-z]{0,60}", 0..60),
            limit in 400_usize..1_000,
        ) {
            let metadata = json!({"phone_number_id": "4711", "display": "with \" and é"});
            let whole = change(&json!({"metadata": metadata, "statuses": statuses, "messages": messages}));
            let cut = cut(&whole, limit);
            prop_assert!(cut.too_large.is_empty());
            let (mut seen_statuses, mut seen_messages) = (Vec::new(), Vec::new());
            for piece in &cut.pieces {
                prop_assert!(piece.len() <= limit);
                let value = value(piece);
                prop_assert_eq!(&value["metadata"], &metadata);
                let list = |name| value[name].as_array().cloned().unwrap_or_default();
                seen_statuses.extend(list("statuses"));
                seen_messages.extend(list("messages"));
            }
            prop_assert_eq!(seen_statuses, statuses);
            prop_assert_eq!(seen_messages, messages);
        }
    }
}
