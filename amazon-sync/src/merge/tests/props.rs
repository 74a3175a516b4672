//! What holds of any listing: whatever its numbers, whatever is on its way, whatever the policy.

use proptest::prelude::*;

use super::*;

fn rows() -> impl Strategy<Value = Row> {
    prop_oneof![9 => any_rows(), 1 => (0..8_i64).prop_map(quiet)]
}

fn any_rows() -> impl Strategy<Value = Row> {
    let number = 0..8_i64;
    let cell = || prop_oneof![8 => number.clone().prop_map(|number| Some(quantity(number))), 1 => Just(None)];
    let mapping =
        prop_oneof![20 => Just(Mapping::Known), 1 => Just(Mapping::Unmapped), 1 => Just(Mapping::Ambiguous)];
    let ships = prop_oneof![20 => Just(Ships::Merchant), 1 => Just(Ships::Amazon), 1 => Just(Ships::Flipped)];
    let absent = prop_oneof![9 => Just(0_u8), 1 => 1..4_u8];
    let counts = (-3..5_i64, 0..4_i64).prop_map(|(sold, since)| (Units::new(sold), Units::new(since)));
    (
        (cell(), cell(), cell(), cell()),
        counts,
        (1..4_u8, absent, mapping, ships),
        (any::<bool>(), prop::bool::weighted(0.05)),
        pendings(),
    )
        .prop_map(
            |(numbers, counts, (times, absent, mapping, ships), (is_covered, is_frozen), pending)| {
                let (base, ours, theirs, declared) = numbers;
                let (sold, sold_since_read) = counts;
                let marks = (times, absent, mapping, ships);
                let (times, absent, mapping, ships) = marks;
                Row {
                    base,
                    sold,
                    sold_since_read,
                    ours,
                    theirs,
                    declared,
                    times,
                    absent,
                    mapping,
                    ships,
                    is_covered,
                    is_frozen,
                    pending,
                }
            },
        )
}

fn pendings() -> impl Strategy<Value = Option<Pending>> {
    let number = 0..8_i64;
    let flight =
        (number.clone(), -3..4_i64, prop_oneof![Just(900_i64), Just(1_600)], 300..1_000_i64, 1..4_u32);
    prop_oneof![
        4 => Just(None),
        1 => number.prop_map(|number| Some(Pending::Open(quantity(number)))),
        3 => flight.prop_map(|(number, sold, deadline, read_at, attempts)| {
            Some(Pending::InFlight(Flight {
                quantity: quantity(number),
                sold: Units::new(sold),
                at: at(400),
                deadline: at(deadline),
                read_at: Some(at(read_at)),
                attempts,
            }))
        }),
    ]
}

fn policies() -> impl Strategy<Value = DriftPolicy> {
    let resolution = || {
        prop_oneof![
            Just(Resolution::MerchantWins),
            Just(Resolution::AmazonWins),
            Just(Resolution::LowerWins),
            Just(Resolution::FreezeAndAsk)
        ]
    };
    let patience = || prop_oneof![Just(Patience::GoOn), Just(Patience::FreezeAndAsk)];
    (resolution(), resolution(), resolution(), patience(), patience()).prop_map(
        |(foreign_write, late_cancel, first_sight, lost_write, missing)| DriftPolicy {
            foreign_write,
            late_cancel,
            first_sight,
            lost_write,
            missing,
        },
    )
}

/// Whether sales that are known explain that Amazon shows `theirs`, counted off `base`.
fn explains(base: Option<Quantity>, sold: Units, row: &Row) -> bool {
    let (Some(base), Some(theirs)) = (base, row.theirs) else { return false };
    let (base, theirs, since) = (base.units().get(), theirs.units().get(), row.sold_since_read.get());
    (sold.get() - since..=sold.get()).any(|sold| theirs == (base - sold).max(0))
}

/// The row once the decision is carried out, and Amazon shows what was published.
fn carried_out(row: &Row, decision: Decision) -> Row {
    let since = row.sold_since_read.get();
    match (decision.action, row.pending) {
        (Action::Publish(quantity) | Action::HoldBack(quantity), _) => {
            let presumed = presumed_sold(Units::ZERO, row.ours.unwrap(), quantity).get();
            Row {
                base: Some(quantity),
                theirs: Some(quantity),
                declared: Some(quantity),
                sold: Units::new(-presumed),
                sold_since_read: Units::ZERO,
                times: 1,
                pending: None,
                ..*row
            }
        }
        (Action::MoveBase, Some(Pending::InFlight(flight))) if flight.has_landed(row.theirs.unwrap()) => {
            let fell = flight.quantity.units().get() - row.theirs.unwrap().units().get();
            let sold = Units::new((flight.sold.get() - fell).min(since));
            Row { base: row.theirs, sold, pending: None, ..*row }
        }
        (Action::MoveBase, _) => Row { base: row.theirs, sold: row.sold_since_read, pending: None, ..*row },
        (Action::Resubmit, Some(Pending::InFlight(flight))) => {
            Row { pending: Some(Pending::InFlight(Flight { deadline: at(2_000), ..flight })), ..*row }
        }
        (Action::Freeze, _) => Row { is_frozen: true, ..*row },
        _ => *row,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn no_number_is_raised_on_doubt(row in rows(), policy in policies()) {
        let decision = decide(&row, &context(policy));
        let Some(quantity) = decision.quantity() else { return Ok(()) };
        let theirs = row.theirs.unwrap().units().get();
        let lowest = (theirs - row.sold_since_read.get()).max(0);
        if quantity == Quantity::ZERO || quantity.units().get() <= lowest {
            return Ok(());
        }
        prop_assert!(matches!(decision.action, Action::Publish(_)), "{decision:?}");
        prop_assert_eq!(Some(quantity), row.ours);
        let by_base = explains(row.base, row.sold, &row);
        match decision.class {
            Drift::OursAhead | Drift::LostWrite | Drift::InSync if row.base.is_some() => prop_assert!(by_base),
            Drift::OursAhead | Drift::LostWrite => {
                prop_assert!(row.is_covered && policy.first_sight == Resolution::MerchantWins);
            }
            Drift::ForeignWrite => {
                prop_assert!(row.times >= 2 && row.is_covered);
                let is_raised = row.base.unwrap().units().get() - row.sold.get() < theirs;
                prop_assert!(policy.foreign_write == Resolution::MerchantWins
                    || is_raised && policy.foreign_write == Resolution::LowerWins);
            }
            Drift::LateCancel => {
                prop_assert!(row.times >= 2);
                prop_assert_eq!(policy.late_cancel, Resolution::MerchantWins);
            }
            class => prop_assert!(false, "{} raised a number", class),
        }
    }

    #[test]
    fn a_decision_that_is_taken_is_not_taken_again(row in rows(), policy in policies()) {
        let context = context(policy);
        let decision = decide(&row, &context);
        if let Some(quantity) = decision.quantity() {
            let again = decide(&Row { pending: Some(Pending::Open(quantity)), ..row }, &context);
            if !matches!(row.pending, Some(Pending::InFlight(_))) {
                prop_assert_eq!(again.action, Action::Nothing, "{:?}", again);
            }
        }
        let after = carried_out(&row, decision);
        let again = decide(&after, &context);
        match decision.action {
            Action::Publish(_) => prop_assert_eq!(again, Decision { class: Drift::InSync, action: Action::Nothing }),
            // Held back for the same sale, which still may come.
            Action::HoldBack(_) => prop_assert_eq!(again.quantity().filter(|_| !row.is_covered), None),
            // What a landed intent presumed to be sold may be given up next, but then it is settled.
            Action::MoveBase if again.action == Action::MoveBase => {
                let settled = carried_out(&after, again);
                prop_assert!(after.sold < Units::ZERO && settled.sold == Units::ZERO);
                prop_assert_ne!(decide(&settled, &context).action, Action::MoveBase);
            }
            Action::MoveBase => {}
            Action::Resubmit => prop_assert_eq!(again.action, Action::Wait(at(2_000))),
            Action::Freeze => prop_assert_eq!(again.action, Action::Nothing),
            Action::Nothing | Action::Reread | Action::Wait(_) => prop_assert_eq!(again, decision),
        }
    }
}

proptest! {
    #[test]
    fn columns_decide_as_rows_do(rows in prop::collection::vec(rows(), 0..40), policy in policies()) {
        let mut table = Table::new(rows.len());
        // Whatever was there before.
        for (id, row) in (0..).map(ListingId::new).zip(rows.iter().rev()) {
            table.put(id, row);
        }
        for (id, row) in (0..).map(ListingId::new).zip(&rows) {
            table.put(id, row);
            prop_assert_eq!(table.row(id), Some(*row));
        }
        let mut decisions = vec![Decision { class: Drift::Missing, action: Action::Reread }];
        decide_all(&table, &context(policy), &mut decisions);
        let expected: Vec<_> = rows.iter().map(|row| decide(row, &context(policy))).collect();
        prop_assert_eq!(decisions, expected);
    }
}
