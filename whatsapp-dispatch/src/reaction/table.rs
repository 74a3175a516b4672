use std::time::Duration;

use super::{Action, Escalation};
use crate::gateway::Route;
use crate::template::Category;

/// One error of the Cloud API, and what to do about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Row {
    /// `error.code`.
    pub number: i64,
    /// What it means, for people.
    pub meaning: &'static str,
    /// What to do when it is the answer to a marketing message, and to others unless
    /// [`otherwise`](field@Row::otherwise) says something else.
    pub answer: Action,
    /// What to do when it is the answer to a message of another category.
    pub otherwise: Option<Action>,
    /// What to do when it comes later, in a status; without it, the message is lost and what
    /// follows beyond it is the same as after an answer.
    pub status: Option<Action>,
    /// When many of them are more than bad luck: the campaign is paused.
    pub escalation: Escalation,
    /// True when the number slows down too if the server failed.
    pub slows: bool,
}

impl Row {
    const fn new(number: i64, meaning: &'static str, answer: Action) -> Self {
        Self {
            number,
            meaning,
            answer,
            otherwise: None,
            status: None,
            escalation: Escalation::NEVER,
            slows: false,
        }
    }

    const fn otherwise(self, action: Action) -> Self {
        Self { otherwise: Some(action), ..self }
    }

    const fn in_a_status(self, action: Action) -> Self {
        Self { status: Some(action), ..self }
    }

    const fn in_a_row(self, most: u16) -> Self {
        Self { escalation: Escalation { in_a_row: Some(most), ..self.escalation }, ..self }
    }

    const fn above_percent(self, most: u8) -> Self {
        Self { escalation: Escalation { percent: Some(most), ..self.escalation }, ..self }
    }

    const fn slowing(self) -> Self {
        Self { slows: true, ..self }
    }

    /// What to do when it is the answer to a message of this category.
    pub const fn action(&self, category: Category) -> Action {
        match (category, self.otherwise) {
            (Category::Utility | Category::Authentication, Some(action)) => action,
            _ => self.answer,
        }
    }
}

const AFTER_MINUTES: Option<Duration> = Some(Duration::from_mins(10));
const AFTER_AN_UPGRADE: Option<Duration> = Some(Duration::from_secs(90));
const BACKED_OFF: Action = Action::BackOffPair { max: 8 };
const DEFERRED: Action = Action::Defer { max: 2 };
const MAYBE_GONE: Action = Action::FinalAndInvalid { weight_milli: 600 };
const PAUSE_SENDER: Action = Action::PauseSender { lasting: None };
const UNTIL_TEMPLATE_IS_BACK: Action = Action::HoldCampaign { lasting: None };
const WAIT_FOR_UPGRADE: Action = Action::PauseSender { lasting: AFTER_AN_UPGRADE };
const BY_MARKETING: Action = Action::Route { to: Route::Marketing };
const BY_MESSAGES: Action = Action::Route { to: Route::Messages };

/// The table ("Error codes", Meta, 2026-09-11), in the order of the numbers. A number
/// that means the same as another has a row of its own all the same, so that a search for
/// the number finds it. 201 to 299 are the row of 200.
#[rustfmt::skip]
const TABLE: &[Row] = &[
    Row::new(0, "The access token is not valid.", Action::RefreshCredential),
    Row::new(1, "WhatsApp met an unknown error.", Action::Retry { max: 2 }),
    Row::new(2, "WhatsApp was unavailable for a moment.", Action::Unknown).slowing(),
    Row::new(3, "The app lacks a capability that sending needs.", Action::StopTenant),
    Row::new(4, "The app has made too many calls.", Action::ThrottleApp),
    Row::new(10, "The app lacks a permission that sending needs.", Action::StopTenant),
    Row::new(17, "The user has made too many calls.", Action::ThrottleApp),
    Row::new(33, "The sending number was deleted.", PAUSE_SENDER),
    Row::new(100, "WhatsApp refused a parameter of the request.", Action::Final).in_a_row(3),
    Row::new(104, "The request carried no access token.", Action::RefreshCredential),
    Row::new(190, "The access token has expired or was withdrawn.", Action::RefreshCredential),
    Row::new(200, "The access token lacks a permission that sending needs.", Action::StopTenant),
    Row::new(368, "The account is restricted for a breach of policy.", Action::PausePortfolio),
    Row::new(80_007, "The WhatsApp business account has made too many calls.", Action::ThrottleAccount),
    Row::new(130_403, "The business has blocked this person.", Action::Suppress),
    Row::new(130_429, "The number sent faster than its throughput allows.", Action::Throttle)
        .in_a_status(Action::Throttle),
    // The experiment is about marketing; another message was not meant and may pass.
    Row::new(130_472, "The person is part of an experiment of WhatsApp's and gets no marketing messages.", Action::Final)
        .otherwise(Action::Retry { max: 2 }),
    Row::new(130_497, "The account may not send messages to this country.", Action::Final).above_percent(20),
    Row::new(131_000, "WhatsApp failed for an unknown reason.", Action::Unknown)
        .in_a_status(Action::Retry { max: 2 }),
    Row::new(131_005, "The access token lacks a permission that sending needs.", Action::StopTenant),
    Row::new(131_008, "A parameter that WhatsApp requires is missing.", Action::Final).in_a_row(3),
    Row::new(131_009, "A parameter has a value that WhatsApp does not accept.", Action::Final).in_a_row(3),
    Row::new(131_016, "WhatsApp's service was overloaded.", Action::Unknown).slowing(),
    Row::new(131_021, "The recipient is the sending number itself.", Action::Final),
    Row::new(131_026, "The person cannot be reached on WhatsApp.", MAYBE_GONE),
    Row::new(131_030, "The recipient is not on the list of this test number.", Action::PauseCampaign),
    Row::new(131_031, "The account is locked.", Action::PausePortfolio),
    Row::new(131_037, "The number's display name is not approved.", PAUSE_SENDER),
    Row::new(131_042, "There is a problem with the account's payment method.", Action::PausePortfolio),
    Row::new(131_044, "There is a problem with the account's payment method.", Action::PausePortfolio),
    Row::new(131_045, "The sending number is not registered.", PAUSE_SENDER),
    Row::new(131_047, "The person's 24-hour window is closed; only a template may be sent.", Action::Final),
    Row::new(131_048, "The number is restricted because people blocked or reported it.", PAUSE_SENDER),
    Row::new(131_049, "WhatsApp held the message back to limit marketing to this person.", DEFERRED)
        .in_a_status(DEFERRED),
    Row::new(131_050, "The person asked WhatsApp to stop marketing messages of this business.", Action::OptOut),
    Row::new(131_051, "WhatsApp does not support this type of message.", Action::PauseCampaign),
    Row::new(131_052, "A media file could not be loaded.", Action::Final),
    Row::new(131_053, "A media file could not be taken.", Action::PauseCampaign),
    Row::new(131_055, "This way of sending takes other kinds of messages.", BY_MESSAGES),
    Row::new(131_056, "Too many messages to this person in a short time.", BACKED_OFF),
    Row::new(131_057, "The account is in maintenance, perhaps for a higher throughput.", WAIT_FOR_UPGRADE),
    Row::new(131_062, "The message cannot be sent to a business-scoped user id.", Action::ByPhone),
    Row::new(131_063, "Marketing messages are switched off for this account on the Cloud API.", BY_MARKETING),
    Row::new(131_064, "The account is limited because its templates were in a wrong category.", Action::PausePortfolio),
    Row::new(132_000, "The number of parameters is not that of the template.", Action::Final).in_a_row(3).above_percent(1),
    Row::new(132_001, "The template does not exist in this language or is not approved.", Action::PauseCampaign),
    Row::new(132_005, "The filled template is too long.", Action::Final),
    Row::new(132_007, "The template breaks WhatsApp's content policy.", Action::PauseCampaign),
    Row::new(132_008, "A parameter does not fit the template.", Action::Final).in_a_row(3).above_percent(1),
    Row::new(132_012, "A parameter has another format than the template wants.", Action::Final).in_a_row(3).above_percent(1),
    // Messages that were held back are dropped with this number when their template is paused.
    Row::new(132_015, "The template is paused because of low quality.", UNTIL_TEMPLATE_IS_BACK)
        .in_a_status(UNTIL_TEMPLATE_IS_BACK),
    Row::new(132_016, "The template is disabled for good because of low quality.", Action::PauseCampaign),
    Row::new(132_018, "A parameter of the template is not accepted.", Action::Final).in_a_row(3).above_percent(1),
    Row::new(132_068, "The template's flow is blocked.", Action::PauseCampaign),
    Row::new(132_069, "The template's flow is throttled.", Action::HoldCampaign { lasting: AFTER_MINUTES }),
    Row::new(133_004, "WhatsApp's server was unavailable for a moment.", Action::Unknown).slowing(),
    Row::new(133_010, "The sending number is not registered.", PAUSE_SENDER),
    Row::new(133_016, "The sending number was registered too often in a short time.", PAUSE_SENDER),
    Row::new(134_011, "The terms of WhatsApp payments are not accepted.", Action::PausePortfolio),
    Row::new(134_100, "This way of sending takes marketing templates only.", BY_MESSAGES),
    Row::new(134_101, "The template is not ready for this way of sending yet.", Action::HoldCampaign { lasting: AFTER_MINUTES }),
    Row::new(134_102, "The template cannot be used for this way of sending.", BY_MESSAGES),
    Row::new(135_000, "WhatsApp met an unknown problem with the request's parameters.", Action::Retry { max: 2 }).above_percent(5),
    Row::new(137_000, "The person's identity has changed and must be confirmed.", Action::Final),
    Row::new(139_200, "Direct sending is blocked for this account.", BY_MESSAGES),
    Row::new(2_494_100, "The sending number is in maintenance.", WAIT_FOR_UPGRADE),
];

/// The row of all permissions that an access token may lack.
const PERMISSION: i64 = 200;

/// Every error that has a reaction of its own, in the order of the numbers. The numbers from 201
/// to 299 are those of single permissions; they share the row of 200.
pub const fn table() -> &'static [Row] {
    TABLE
}

/// The row of a number.
pub(super) fn row(number: i64) -> Option<&'static Row> {
    let number = if (201..=299).contains(&number) { PERMISSION } else { number };
    let found = TABLE.binary_search_by_key(&number, |row| row.number).ok()?;
    TABLE.get(found)
}
