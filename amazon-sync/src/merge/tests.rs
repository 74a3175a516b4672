use super::*;
use crate::policy::{Patience, Resolution};
use crate::sku_map::ListingId;

mod props;
mod shop;

fn at(second: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000 + second, 0).unwrap()
}

fn quantity(number: i64) -> Quantity {
    Quantity::new(number).unwrap()
}

fn context(policy: DriftPolicy) -> Context {
    Context { now: at(1_000), policy }
}

/// A listing on which everybody agrees.
fn quiet(number: i64) -> Row {
    Row {
        base: Some(quantity(number)),
        sold: Units::ZERO,
        sold_since_read: Units::ZERO,
        ours: Some(quantity(number)),
        theirs: Some(quantity(number)),
        declared: Some(quantity(number)),
        times: 1,
        absent: 0,
        mapping: Mapping::Known,
        ships: Ships::Merchant,
        is_covered: true,
        is_frozen: false,
        pending: None,
    }
}

fn ours(row: Row, number: i64) -> Row {
    Row { ours: Some(quantity(number)), ..row }
}

fn theirs(row: Row, number: i64) -> Row {
    Row { theirs: Some(quantity(number)), ..row }
}

fn sold(row: Row, units: i64) -> Row {
    Row { sold: Units::new(units), ..row }
}

/// 18 is on its way since second 400, and lost at second `deadline`.
fn flight(deadline: i64) -> Flight {
    Flight {
        quantity: quantity(18),
        sold: Units::ZERO,
        at: at(400),
        deadline: at(deadline),
        read_at: Some(at(990)),
        attempts: 1,
    }
}

fn flying(row: Row, flight: Flight) -> Row {
    Row { pending: Some(Pending::InFlight(flight)), ..row }
}

#[track_caller]
fn check(row: Row, class: Drift, action: Action) {
    check_with(DriftPolicy::default(), row, class, action);
}

#[track_caller]
fn check_with(policy: DriftPolicy, row: Row, class: Drift, action: Action) {
    assert_eq!(decide(&row, &context(policy)), Decision { class, action });
}

#[test]
fn what_agrees_is_left_alone() {
    check(quiet(20), Drift::InSync, Action::Nothing);
    // Two were sold, and both sides have counted them: they agree anew.
    check(sold(theirs(ours(quiet(20), 18), 18), 2), Drift::InSync, Action::MoveBase);
    // The orders came after the read: Amazon's number is old, not wrong.
    let read_before = Row { sold_since_read: Units::new(2), ..sold(ours(quiet(20), 18), 2) };
    check(read_before, Drift::InSync, Action::Reread);
}

#[test]
fn our_changes_are_published_whichever_way_they_go() {
    check(ours(quiet(20), 25), Drift::OursAhead, Action::Publish(quantity(25)));
    check(ours(quiet(20), 3), Drift::OursAhead, Action::Publish(quantity(3)));
    // Three sold on Amazon, which counted them, and four elsewhere.
    check(sold(theirs(ours(quiet(20), 13), 17), 3), Drift::OursAhead, Action::Publish(quantity(13)));
}

#[test]
fn an_intent_that_is_decided_is_not_decided_again() {
    let open = |number| Row { pending: Some(Pending::Open(quantity(number))), ..ours(quiet(20), 25) };
    check(open(25), Drift::OursAhead, Action::Nothing);
    check(open(24), Drift::OursAhead, Action::Publish(quantity(25)));
    // Ours went back to what Amazon shows: the intent is settled by agreeing.
    check(ours(open(24), 20), Drift::InSync, Action::MoveBase);
}

#[test]
fn a_sale_that_we_have_not_seen_is_held_back_for() {
    let unseen = Row { is_covered: false, ..theirs(quiet(20), 19) };
    check(unseen, Drift::UnseenSale, Action::Reread);
    check(ours(unseen, 18), Drift::UnseenSale, Action::HoldBack(quantity(17)));
    // Ours equals theirs by chance, and one less can ship.
    check(ours(unseen, 19), Drift::UnseenSale, Action::HoldBack(quantity(18)));
    // Goods came in: nothing is raised before the orders are read.
    check(ours(unseen, 30), Drift::UnseenSale, Action::Reread);
    check(ours(unseen, 0), Drift::UnseenSale, Action::HoldBack(quantity(0)));
}

#[test]
fn what_is_held_back_stays_so_until_the_order_comes() {
    // 17 were published of 18 because of one unseen sale; now Amazon shows them.
    let held_back = Row { is_covered: false, ..sold(theirs(ours(quiet(17), 18), 17), -1) };
    check(held_back, Drift::UnseenSale, Action::Reread);
    check(sold(ours(held_back, 17), 0), Drift::InSync, Action::Nothing);
    // It never comes: the lower number stays until somebody says otherwise.
    let never = Row { is_covered: true, times: 2, ..held_back };
    check(never, Drift::ForeignWrite, Action::Nothing);
}

#[test]
fn a_foreign_write_goes_by_the_policy_once_it_is_stable() {
    let foreign = |number| Row { times: 2, ..theirs(quiet(20), number) };
    let with = |foreign_write| DriftPolicy { foreign_write, ..DriftPolicy::default() };
    for (number, resolution, action) in [
        (15, Resolution::LowerWins, Action::Nothing),
        (25, Resolution::LowerWins, Action::Publish(quantity(20))),
        (15, Resolution::MerchantWins, Action::Publish(quantity(20))),
        (25, Resolution::MerchantWins, Action::Publish(quantity(20))),
        (15, Resolution::AmazonWins, Action::Nothing),
        (25, Resolution::AmazonWins, Action::Nothing),
        (15, Resolution::FreezeAndAsk, Action::Freeze),
        (25, Resolution::FreezeAndAsk, Action::Freeze),
    ] {
        check_with(with(resolution), foreign(number), Drift::ForeignWrite, action);
    }
    assert_eq!(
        decide(&foreign(15), &context(with(Resolution::FreezeAndAsk))).code().as_str(),
        "drift.foreign_write"
    );
    // Somebody wrote what we would have written.
    check(ours(foreign(15), 15), Drift::InSync, Action::MoveBase);
}

#[test]
fn a_cancellation_is_published_whether_amazon_puts_it_back_or_not() {
    // One was sold and cancelled, and ours has it again. Amazon kept it off its number.
    let cancelled = sold(quiet(20), 1);
    check(theirs(cancelled, 19), Drift::OursAhead, Action::Publish(quantity(20)));
    // Amazon put it back: both agree.
    check(cancelled, Drift::InSync, Action::MoveBase);
}

#[test]
fn what_amazon_puts_back_before_we_hear_of_a_cancellation_is_not_believed() {
    // One was sold, both counted it, and then Amazon counted it back.
    let back = sold(ours(quiet(20), 19), 1);
    check(back, Drift::LateCancel, Action::Publish(quantity(19)));
    check(ours(back, 22), Drift::LateCancel, Action::Reread);
    let frozen = DriftPolicy { late_cancel: Resolution::FreezeAndAsk, ..DriftPolicy::default() };
    check_with(frozen, back, Drift::LateCancel, Action::Reread);
    check_with(frozen, Row { times: 2, is_covered: false, ..back }, Drift::LateCancel, Action::Freeze);
    // Nobody cancelled anything: somebody raised the number.
    check(Row { times: 2, ..back }, Drift::ForeignWrite, Action::Publish(quantity(19)));
    // Ours is higher still, and all orders are known: nothing speaks against it.
    check(Row { times: 2, ..ours(back, 22) }, Drift::ForeignWrite, Action::Publish(quantity(22)));
    check(Row { times: 2, is_covered: false, ..ours(back, 22) }, Drift::LateCancel, Action::Reread);
}

#[test]
fn a_number_on_its_way_is_waited_for_until_it_is_lost() {
    let flying = |deadline| flying(ours(quiet(20), 18), flight(deadline));
    check(flying(1_600), Drift::InFlight, Action::Wait(at(1_600)));
    check(theirs(flying(1_600), 18), Drift::InSync, Action::MoveBase);
    check(ours(flying(1_600), 0), Drift::OursAhead, Action::Publish(Quantity::ZERO));
    check(ours(flying(1_600), 5), Drift::InFlight, Action::Wait(at(1_600)));
    check(flying(900), Drift::LostWrite, Action::Resubmit);
    check(ours(flying(900), 5), Drift::LostWrite, Action::Publish(quantity(5)));
    // It was not read since the deadline: perhaps it is there.
    check(flying(995), Drift::LostWrite, Action::Reread);
}

#[test]
fn a_number_that_landed_and_sold_since_has_landed() {
    let sold_one = Flight { sold: Units::new(1), ..flight(1_600) };
    let row = sold(theirs(ours(quiet(20), 17), 17), 1);
    check(flying(row, sold_one), Drift::InSync, Action::MoveBase);
    check(flying(theirs(row, 18), sold_one), Drift::InSync, Action::MoveBase);
    check(flying(theirs(row, 16), sold_one), Drift::InFlight, Action::Wait(at(1_600)));
    // Past its deadline it landed, and one was sold that is not seen.
    let late = flying(theirs(row, 16), Flight { deadline: at(900), ..sold_one });
    check(Row { is_covered: false, ..late }, Drift::UnseenSale, Action::Reread);
    check(Row { times: 2, ..late }, Drift::ForeignWrite, Action::Nothing);
}

#[test]
fn a_write_that_is_lost_twice_can_be_frozen() {
    let twice = flying(ours(quiet(20), 18), Flight { attempts: 2, ..flight(900) });
    check(twice, Drift::LostWrite, Action::Resubmit);
    let policy = DriftPolicy { lost_write: Patience::FreezeAndAsk, ..DriftPolicy::default() };
    check_with(policy, twice, Drift::LostWrite, Action::Freeze);
}

#[test]
fn a_number_that_is_stored_and_not_offered_yet_is_read_again() {
    let stored = |deadline| {
        let row = Row { declared: Some(quantity(18)), ..ours(quiet(20), 18) };
        flying(row, flight(deadline))
    };
    check(stored(1_600), Drift::DeclaredEffectiveGap, Action::Wait(at(1_600)));
    check(stored(900), Drift::DeclaredEffectiveGap, Action::Reread);
    check(Row { times: 2, ..stored(900) }, Drift::LostWrite, Action::Resubmit);
}

#[test]
fn at_first_sight_ours_is_published_once_all_orders_are_known() {
    let first = Row { base: None, ..quiet(20) };
    check(first, Drift::InSync, Action::MoveBase);
    check(ours(first, 25), Drift::OursAhead, Action::Publish(quantity(25)));
    check(ours(Row { is_covered: false, ..first }, 25), Drift::OursAhead, Action::Reread);
    check(ours(Row { is_covered: false, ..first }, 5), Drift::OursAhead, Action::Publish(quantity(5)));
    let policy = DriftPolicy { first_sight: Resolution::LowerWins, ..DriftPolicy::default() };
    check_with(policy, ours(first, 25), Drift::OursAhead, Action::Nothing);
    check_with(policy, ours(first, 5), Drift::OursAhead, Action::Publish(quantity(5)));
}

#[test]
fn absent_once_is_not_gone() {
    let absent = |absent| Row { absent, ..ours(quiet(20), 3) };
    check(absent(1), Drift::Missing, Action::Reread);
    check(absent(2), Drift::Missing, Action::Nothing);
    let policy = DriftPolicy { missing: Patience::FreezeAndAsk, ..DriftPolicy::default() };
    check_with(policy, absent(1), Drift::Missing, Action::Reread);
    check_with(policy, absent(2), Drift::Missing, Action::Freeze);
    check(Row { theirs: None, ..quiet(20) }, Drift::Missing, Action::Reread);
}

#[test]
fn some_listings_are_never_written() {
    let wanted = ours(quiet(20), 3);
    check(Row { ships: Ships::Amazon, ..wanted }, Drift::InSync, Action::Nothing);
    check(Row { ships: Ships::Flipped, ..wanted }, Drift::ChannelFlip, Action::Freeze);
    check(Row { mapping: Mapping::Unmapped, ..wanted }, Drift::Unmapped, Action::Nothing);
    check(Row { mapping: Mapping::Ambiguous, ..wanted }, Drift::Ambiguous, Action::Nothing);
    check(Row { ours: None, ..wanted }, Drift::Unmapped, Action::Nothing);
    check(Row { is_frozen: true, ..wanted }, Drift::OursAhead, Action::Nothing);
}

#[test]
fn a_snapshot_is_taken_in_as_single_reads_are() {
    let mut table = Table::new(4);
    for (id, row) in (0..).map(ListingId::new).zip([quiet(20), quiet(20), quiet(20), quiet(20)]) {
        table.put(id, &Row { sold: Units::new(1), sold_since_read: Units::new(1), is_covered: false, ..row });
    }
    let seen = [(2, 20), (0, 19), (7, 3)].map(|(id, number)| (ListingId::new(id), quantity(number)));
    table.take_in(seen, true);
    let row = |id| table.row(ListingId::new(id)).unwrap();
    // The sale that was known is in the number: it is the same one, read for the second time.
    assert_eq!((row(0).theirs, row(0).times, row(0).absent), (Some(quantity(19)), 2, 0));
    assert_eq!((row(2).theirs, row(2).times, row(2).is_covered), (Some(quantity(20)), 1, true));
    assert_eq!((row(0).sold_since_read, row(1).sold_since_read), (Units::ZERO, Units::new(1)));
    assert_eq!((row(1).theirs, row(1).absent, row(1).is_covered), (Some(quantity(20)), 1, false));
}
