//! Orders: bills that people pay in WhatsApp, and news of them (Payments API: India, Brazil,
//! Singapore).

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::Media;
use crate::json::{Literal, hidden};

/// A bill.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderDetails {
    /// The business's own id of it, used once.
    pub reference_id: String,
    /// `digital-goods` or `physical-goods`.
    #[serde(rename = "type")]
    pub kind: String,
    /// `upi` and others.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payment_type: Option<String>,
    /// The name of a payment configuration of the account.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payment_configuration: Option<String>,
    /// How it can be paid.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payment_settings: Option<Vec<PaymentSetting>>,
    /// Three letters.
    pub currency: String,
    /// What is to be paid.
    pub total_amount: Amount,
    /// What is bought.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub order: Option<Order>,
    /// To whom goods are shipped.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub beneficiaries: Option<Vec<Beneficiary>>,
    /// Where goods are shipped, as the payment partner's page says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shipping_info: Option<Value>,
}

/// One way to pay. What stands beside `type` is the payment partner's own.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PaymentSetting {
    /// `payment_gateway`, `pix_dynamic_code`, `payment_link`, `boleto`, ...
    #[serde(rename = "type")]
    pub kind: String,
    /// The object that is named like the kind.
    #[serde(flatten)]
    pub details: Map<String, Value>,
}

/// A sum of money: `value / offset` in the bill's currency.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Amount {
    /// In units of the offset: 1500 with offset 100 is 15.00.
    pub value: Literal,
    /// 100 for currencies with two places.
    pub offset: Literal,
    /// What it is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// With a discount: which programme gives it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub discount_program_name: Option<String>,
}

impl Amount {
    /// So many hundredths.
    pub fn hundredths(value: i64) -> Self {
        Self { value: value.into(), offset: 100.into(), ..Self::default() }
    }
}

/// What is bought.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// `pending` at first.
    pub status: String,
    /// `quick_pay` for a bill without items.
    #[serde(rename = "type")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// The catalogue of the items.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub catalog_id: Option<String>,
    /// What is bought.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub items: Option<Vec<OrderItem>>,
    /// The items together.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subtotal: Option<Amount>,
    /// Tax.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tax: Option<Amount>,
    /// Shipping.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shipping: Option<Amount>,
    /// Discount.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub discount: Option<Amount>,
    /// Until when it can be paid.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expiration: Option<OrderExpiry>,
}

/// One item of an order.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderItem {
    /// The business's own id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retailer_id: Option<String>,
    /// The catalogue's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub product_id: Option<String>,
    /// What it is called.
    pub name: String,
    /// The price of one.
    pub amount: Amount,
    /// How many.
    pub quantity: Literal,
    /// The reduced price of one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sale_amount: Option<Amount>,
    /// A picture.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image: Option<Media>,
    /// Where it comes from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub country_of_origin: Option<String>,
    /// Who imported it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub importer_name: Option<String>,
    /// Where the importer lives.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub importer_address: Option<Importer>,
}

/// The address of an importer.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Importer {
    /// Street and number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address_line1: Option<String>,
    /// More of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address_line2: Option<String>,
    /// City.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub city: Option<String>,
    /// Zone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub zone_code: Option<String>,
    /// Postal code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub postal_code: Option<String>,
    /// Two letters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub country_code: Option<String>,
}

/// Until when an order can be paid.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderExpiry {
    /// Seconds since 1970.
    pub timestamp: Literal,
    /// What happens then.
    pub description: String,
}

/// To whom goods are shipped.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Beneficiary {
    /// Name.
    pub name: String,
    /// Street and number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address_line1: Option<String>,
    /// More of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address_line2: Option<String>,
    /// City.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub city: Option<String>,
    /// State.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// Country.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub country: Option<String>,
    /// Postal code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub postal_code: Option<String>,
}

/// News of an order.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderStatus {
    /// The bill's id.
    pub reference_id: String,
    /// What became of the order.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub order: Option<OrderNews>,
    /// What became of the payment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payment: Option<PaymentNews>,
}

impl OrderStatus {
    /// The order of this bill is now `processing`, `partially_shipped`, `shipped`, `completed` or
    /// `canceled`.
    pub fn new(reference_id: impl Into<String>, status: impl Into<String>) -> Self {
        let order = OrderNews { status: Some(status.into()), description: None };
        Self { reference_id: reference_id.into(), order: Some(order), payment: None }
    }
}

/// What became of an order.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderNews {
    /// Its state.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// In words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

/// What became of a payment.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PaymentNews {
    /// `captured`, `pending` or `failed`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// Seconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timestamp: Option<Literal>,
}

hidden! {
    OrderDetails PaymentSetting Amount Order OrderItem Importer OrderExpiry Beneficiary OrderStatus OrderNews
    PaymentNews
}
