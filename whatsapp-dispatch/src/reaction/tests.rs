use std::time::Duration;

use super::*;
use crate::gateway::Route;

fn to(number: i64, http_status: u16) -> Reaction {
    Reaction::to(&ApiError::new(number, http_status), Category::Marketing)
}

fn action(number: i64, http_status: u16) -> Action {
    to(number, http_status).action
}

#[test]
fn no_number_stands_twice_in_the_table() {
    assert!(table().is_sorted_by(|one, next| one.number < next.number));
}

/// What each number has to lead to at HTTP 400, restated from Meta's page and not from the table.
#[test]
fn every_number_has_the_action_that_its_meaning_asks_for() {
    let lasting = |seconds| Some(Duration::from_secs(seconds));
    let expected: &[(&[i64], Action)] = &[
        (&[0, 104, 190], Action::RefreshCredential),
        (&[3, 10, 200, 201, 250, 299, 131_005], Action::StopTenant),
        (&[368, 131_031, 131_042, 131_044, 131_064, 134_011], Action::PausePortfolio),
        (&[4, 17], Action::ThrottleApp),
        (&[80_007], Action::ThrottleAccount),
        (&[130_429], Action::Throttle),
        (&[33, 131_037, 131_045, 131_048, 133_010, 133_016], Action::PauseSender { lasting: None }),
        (&[131_057, 2_494_100], Action::PauseSender { lasting: lasting(90) }),
        (&[131_056], Action::BackOffPair { max: 8 }),
        (&[131_049], Action::Defer { max: 2 }),
        (&[1, 135_000], Action::Retry { max: 2 }),
        (&[2, 131_000, 131_016, 133_004], Action::Retry { max: 5 }),
        (&[100, 131_008, 131_009, 132_000, 132_008, 132_012, 132_018], Action::Final),
        (&[130_472, 130_497, 131_021, 131_047, 131_052, 132_005, 137_000], Action::Final),
        (&[131_026], Action::FinalAndInvalid { weight_milli: 600 }),
        (&[131_050], Action::OptOut),
        (&[130_403], Action::Suppress),
        (&[131_030, 131_051, 131_053, 132_001, 132_007, 132_016, 132_068], Action::PauseCampaign),
        (&[132_015], Action::HoldCampaign { lasting: None }),
        (&[132_069, 134_101], Action::HoldCampaign { lasting: lasting(600) }),
        (&[131_063], Action::Route { to: Route::Marketing }),
        (&[131_055, 134_100, 134_102, 139_200], Action::Route { to: Route::Messages }),
        (&[131_062], Action::ByPhone),
    ];
    let mut seen = 0;
    for (numbers, expected) in expected {
        for number in *numbers {
            assert_eq!(action(*number, 400), *expected, "{number}");
            assert!(to(*number, 400).listed);
            seen += usize::from(!(201..=299).contains(number));
        }
    }
    assert_eq!(seen, table().len(), "a row is not restated here");
}

#[test]
fn the_number_decides_before_the_status() {
    assert_eq!(action(130_429, 400), action(130_429, 429));
    assert_eq!(action(132_001, 404), Action::PauseCampaign);
    assert_eq!(action(190, 401), Action::RefreshCredential);
    assert_eq!(action(131_056, 429), Action::BackOffPair { max: 8 });
}

#[test]
fn only_a_server_failure_leaves_doubt() {
    for number in [2, 131_000, 131_016, 133_004] {
        assert_eq!(action(number, 500), Action::Unknown, "{number}");
        assert_eq!(to(number, 503).slows, number != 131_000, "{number}");
        assert!(!to(number, 400).slows, "{number}");
    }
    assert_eq!(action(1, 500), Action::Unknown);
    assert_eq!(action(1, 400), Action::Retry { max: 2 });
    assert_eq!(action(135_000, 500), Action::Retry { max: 2 });
    assert_eq!(action(999_999, 503), Action::Unknown);
}

#[test]
fn a_new_number_is_final_unless_it_is_called_transient_or_throttles() {
    assert_eq!(action(999_999, 400), Action::Final);
    assert!(!to(999_999, 400).listed);
    assert_eq!(action(999_999, 429), Action::Throttle);
    let transient = ApiError { transient: Some(true), ..ApiError::new(999_999, 400) };
    let reaction = Reaction::to(&transient, Category::Marketing);
    assert_eq!((reaction.action, reaction.code.as_str()), (Action::Retry { max: 2 }, "whatsapp.999999"));
    assert_eq!(action(300, 400), Action::Final);
}

#[test]
fn details_tell_a_missing_account_from_a_wrong_parameter() {
    let gone = ApiError { details: Detail::NotOnWhatsApp, ..ApiError::new(100, 400) };
    let reaction = Reaction::to(&gone, Category::Utility);
    assert_eq!(reaction.action, Action::FinalAndInvalid { weight_milli: 1_000 });
    assert_eq!(reaction.escalation, Escalation::NEVER, "it says nothing about the template");
    assert_eq!(to(100, 400).escalation.in_a_row, Some(3));
}

#[test]
fn an_experiment_ends_marketing_alone() {
    let in_category = |category| Reaction::to(&ApiError::new(130_472, 400), category).action;
    assert_eq!(in_category(Category::Marketing), Action::Final);
    assert_eq!(in_category(Category::Utility), Action::Retry { max: 2 });
    assert_eq!(in_category(Category::Authentication), Action::Retry { max: 2 });
}

#[test]
fn what_fails_later_is_lost_with_four_exceptions() {
    let later = |number| Reaction::to_status(number, Category::Marketing);
    for row in table() {
        let expected = match row.number {
            131_000 => Fate::Again { max: 2 },
            131_049 => Fate::Deferred { max: 2 },
            130_429 | 132_015 => Fate::Back,
            _ => Fate::Final,
        };
        let reaction = later(row.number);
        assert_eq!(reaction.fate, expected, "{}", row.number);
        if reaction.fate == Fate::Final {
            assert_eq!(reaction.action, row.answer, "{}: what follows beyond it is the same", row.number);
        }
    }
    assert_eq!(later(999_999).fate, Fate::Final);
    assert_eq!(later(131_050).action, Action::OptOut);
}

#[test]
fn many_refusals_of_single_messages_are_the_campaigns_business() {
    let escalation = |number| (to(number, 400).escalation.in_a_row, to(number, 400).escalation.percent);
    for number in [100, 131_008, 131_009] {
        assert_eq!(escalation(number), (Some(3), None), "{number}");
    }
    for number in [132_000, 132_008, 132_012, 132_018] {
        assert_eq!(escalation(number), (Some(3), Some(1)), "{number}");
    }
    assert_eq!((escalation(135_000), escalation(130_497)), ((None, Some(5)), (None, Some(20))));
    let possible = table().iter().filter(|row| row.escalation.is_possible()).count();
    assert_eq!(possible, 9);
}

#[test]
fn a_message_whose_whole_number_or_campaign_waits_goes_back() {
    for row in table() {
        let reaches_further = row.answer.scope() > Scope::Person;
        assert_eq!(row.answer.fate() == Fate::Back, reaches_further, "{}", row.number);
    }
}

#[test]
fn the_callers_next_move_follows() {
    let fault = |number, status| to(number, status).fault();
    assert_eq!(fault(131_056, 400), Fault::Transient);
    assert_eq!(fault(131_049, 400), Fault::Transient);
    assert_eq!(fault(190, 401), Fault::Rejected);
    assert_eq!(fault(131_000, 500), Fault::InDoubt);
    let wait = Some(Duration::from_secs(7));
    let error = ApiError { retry_after: wait, ..ApiError::new(80_007, 400) };
    assert_eq!(Reaction::to(&error, Category::Utility).fault(), Fault::Throttled { retry_after: wait });
}
