//! Numbers as Amazon wants them, for both ways of writing.

use serde_json::{Value, json};

use crate::seller::SellerAccount;
use crate::sink::{QuantityWrite, Submitted};
use crate::wire::{Issue, IssueSeverity, PatchOp, PatchOperation};

/// The attribute that holds a quantity.
const PATH: &str = "/attributes/fulfillment_availability";

/// The longest reason that is kept.
const MAX_REASON: usize = 400;

/// A number as a patch. Always `merge`: `replace` would take the handling time away and leave other
/// channels' entries behind (selling-partner-api-docs issue 2395, -models issue 2061). Always with
/// the channel: without it the number is refused (-models issue 4554).
pub(super) fn merge(write: &QuantityWrite) -> PatchOperation {
    let value: Value = json!({
        "fulfillment_channel_code": write.listing.channel().code(),
        "quantity": write.quantity.get(),
    });
    PatchOperation {
        op: PatchOp::Merge.into(),
        path: PATH.into(),
        value: vec![value].into(),
        ..PatchOperation::default()
    }
}

/// Why a number must not be handed over at all. A quantity for a listing that Amazon ships may
/// turn it into one that the merchant ships (odoo/documentation pull request 11773).
pub(super) fn not_for_amazon(account: &SellerAccount, write: &QuantityWrite) -> Option<Submitted> {
    let listing = &write.listing;
    let why = match () {
        () if listing.channel().is_amazon() => {
            format!("{} is shipped by Amazon ({}) and gets no quantity", listing.sku(), listing.channel())
        }
        () if listing.account() != account => format!("{listing} is of another account"),
        () => return None,
    };
    Some(Submitted::Invalid { why })
}

/// What is wrong, in Amazon's codes and words; errors alone if there are any.
pub(super) fn problems(issues: Option<&Vec<Issue>>) -> String {
    let issues = issues.map(Vec::as_slice).unwrap_or_default();
    let is_error = |issue: &&Issue| issue.severity.get() == Some(&IssueSeverity::Error);
    let text = |issue: &Issue| {
        let code = issue.code.get().map_or("without a code", String::as_str);
        format!("{code}: {}", issue.message.get().map_or("", String::as_str))
    };
    let errors: Vec<String> = issues.iter().filter(is_error).map(text).collect();
    let told = if errors.is_empty() { issues.iter().map(text).collect() } else { errors };
    if told.is_empty() { "without a reason".to_owned() } else { shortened(&told.join("; ")) }
}

pub(super) fn shortened(text: &str) -> String {
    text.chars().take(MAX_REASON).collect()
}
