use amazon_sync::wire::{
    DestinationRequest, Envelope, ErrorBody, FeedDocumentSpecification, FeedMessage, FeedReport,
    FeedSpecification, ListingsFeed, ListingsItem, Method, OPERATIONS, Operation, PatchRequest, Payload,
    PutRequest, ReportSpecification, Rewritten, ScheduleSpecification, SubscriptionRequest,
    TestNotificationRequest, TokenRequest, WireOrder,
};
use serde::Deserialize;
use serde_json::Value;

pub(super) const ERROR: &str = "Amazon error";

const NOTIFICATION: &str = "notification";

type Rewrite = fn(&Value) -> Result<Rewritten, serde_json::Error>;

/// Something that a payload may be.
pub(super) struct Candidate {
    pub(super) name: &'static str,
    reader: Reader,
}

#[derive(Clone, Copy)]
enum Reader {
    Payload(Rewrite),
    Answer(&'static Operation),
}

const PAYLOADS: [(&str, Rewrite); 17] = [
    (ERROR, Rewritten::of::<ErrorBody>),
    (NOTIFICATION, Rewritten::of::<Envelope>),
    ("listings feed", Rewritten::of::<ListingsFeed>),
    ("listings feed report", Rewritten::of::<FeedReport>),
    ("listings feed message", Rewritten::of::<FeedMessage>),
    ("order", Rewritten::of::<WireOrder>),
    ("listing", Rewritten::of::<ListingsItem>),
    ("listings patch", Rewritten::of::<PatchRequest>),
    ("listings put", Rewritten::of::<PutRequest>),
    ("feed request", Rewritten::of::<FeedSpecification>),
    ("feed document request", Rewritten::of::<FeedDocumentSpecification>),
    ("report request", Rewritten::of::<ReportSpecification>),
    ("report schedule request", Rewritten::of::<ScheduleSpecification>),
    ("subscription request", Rewritten::of::<SubscriptionRequest>),
    ("destination request", Rewritten::of::<DestinationRequest>),
    ("token request", Rewritten::of::<TokenRequest>),
    ("test notification request", Rewritten::of::<TestNotificationRequest>),
];

/// Kinds whose other members say little: they have one of these.
const MARKS: [(&str, &[&str]); 2] =
    [(ERROR, &["errors"]), (NOTIFICATION, &["NotificationType", "notificationType"])];

impl Candidate {
    /// What a payload is: the type that leaves the least of it without being understood, provided
    /// that it knows every member of the payload itself. `claims` is content with most of them.
    pub(super) fn of(value: &Value, claims: bool) -> Option<Self> {
        let members = value.as_object().filter(|members| !members.is_empty())?;
        if let Ok(payload) = Payload::deserialize(value)
            && !matches!(payload, Payload::Other(_))
        {
            return Some(Self {
                name: "notification payload",
                reader: Reader::Payload(Rewritten::of::<Payload>),
            });
        }
        let has_mark = |name: &str| {
            let marks = MARKS.iter().find(|(kind, _)| *kind == name);
            marks.is_none_or(|(_, marks)| marks.iter().any(|mark| members.contains_key(*mark)))
        };
        let payloads = PAYLOADS.iter().filter(|(name, _)| has_mark(name));
        let payloads = payloads.map(|(name, rewrite)| (*name, Reader::Payload(*rewrite)));
        let answers = OPERATIONS.iter().filter(|operation| !says_nothing(operation));
        let answers = answers.map(|operation| (operation.name, Reader::Answer(operation)));
        let fits = |(name, reader): (&'static str, Reader)| {
            let kept = reader.rewrite(value).ok()?.kept;
            let strange = members.keys().filter(|name| kept.contains(name)).count();
            let known = if claims { strange * 2 < members.len() } else { strange == 0 };
            known.then_some((kept.len(), Self { name, reader }))
        };
        payloads.chain(answers).filter_map(fits).min_by_key(|(kept, _)| *kept).map(|(_, found)| found)
    }

    /// Reads a payload and writes it again.
    pub(super) fn rewrite(&self, value: &Value) -> Result<Rewritten, serde_json::Error> {
        self.reader.rewrite(value)
    }
}

/// The operation that knows every parameter of a request, and leaves the least of it and of its
/// answer without being understood.
pub(super) fn operation(request: &Value, answer: Option<&Value>) -> Option<&'static Operation> {
    let names = request.as_object()?;
    let fits = |operation: &'static Operation| {
        let asked = operation.rewrite_request(request).ok()?.kept;
        let answered =
            answer.map_or(Ok(0), |answer| operation.rewrite_answer(answer).map(|read| read.kept.len()));
        let known = !names.keys().any(|name| asked.contains(name));
        known.then_some((asked.len() + answered.ok()?, operation))
    };
    OPERATIONS.iter().filter_map(fits).min_by_key(|(kept, _)| *kept).map(|(_, operation)| operation)
}

impl Reader {
    fn rewrite(self, value: &Value) -> Result<Rewritten, serde_json::Error> {
        match self {
            Self::Payload(rewrite) => rewrite(value),
            Self::Answer(operation) => operation.rewrite_answer(value),
        }
    }
}

/// An answer that says nothing fits any payload.
fn says_nothing(operation: &Operation) -> bool {
    let in_the_sandbox = ["sendTestNotification", "createInventoryItem", "addInventory"];
    operation.method == Method::Delete || in_the_sandbox.contains(&operation.name)
}
