//! Reports as tab-separated text.

use std::fmt::Write;

use super::super::amazon::{ReportKind, Row};
use super::super::behaviour::Behaviour;
use super::super::json::instant;
use crate::order::ShippedBy;

/// The columns of `GET_MERCHANT_LISTINGS_ALL_DATA` that are told here, with the names that they
/// carry where reports are in Japanese.
const LISTINGS: [(&str, &str); 9] = [
    ("item-name", "商品名"),
    ("listing-id", "出品ID"),
    ("seller-sku", "出品者SKU"),
    ("price", "価格"),
    ("quantity", "数量"),
    ("open-date", "出品日"),
    ("asin1", "ASIN 1"),
    ("fulfillment-channel", "フルフィルメント・チャンネル"),
    ("status", "ステータス"),
];

const STOCK: [&str; 9] = [
    "sku",
    "fnsku",
    "asin",
    "product-name",
    "condition",
    "mfn-fulfillable-quantity",
    "afn-fulfillable-quantity",
    "afn-reserved-quantity",
    "afn-total-quantity",
];

const ORDERS: [&str; 9] = [
    "amazon-order-id",
    "purchase-date",
    "last-updated-date",
    "order-status",
    "fulfillment-channel",
    "product-name",
    "sku",
    "asin",
    "quantity",
];

/// A report's text, with its header.
pub(super) fn report(kind: ReportKind, rows: &[Row], behaviour: &Behaviour) -> String {
    let columns: Vec<&str> = match kind {
        ReportKind::Listings if behaviour.report_local_columns => LISTINGS.map(|(_, local)| local).to_vec(),
        ReportKind::Listings => LISTINGS.map(|(name, _)| name).to_vec(),
        ReportKind::AmazonStock => STOCK.to_vec(),
        ReportKind::Orders => ORDERS.to_vec(),
    };
    let extra = behaviour.report_extra_columns;
    let mut text = String::new();
    // An unannounced column comes first, so that whoever counts columns reads the wrong ones.
    if extra {
        text.push_str("reserved_staging\t");
    }
    text.push_str(&columns.join("\t"));
    text.push('\n');
    for row in rows {
        if extra {
            text.push_str("0\t");
        }
        text.push_str(&cells(row).join("\t"));
        text.push('\n');
    }
    text
}

fn cells(row: &Row) -> [String; 9] {
    match row {
        Row::Listing { sku, asin, title, channel, quantity, opened_at } => {
            let quantity = quantity.map(|quantity| quantity.to_string()).unwrap_or_default();
            let mut listing = String::from("0105");
            // Writing into a text cannot fail.
            write!(listing, "{asin}").unwrap_or_default();
            let opened = opened_at.format("%Y-%m-%d %H:%M:%S UTC").to_string();
            let (sku, asin) = (sku.to_string(), asin.to_string());
            [
                title.clone(),
                listing,
                sku,
                "9.99".into(),
                quantity,
                opened,
                asin,
                channel.clone(),
                "Active".into(),
            ]
        }
        Row::AmazonStock { sku, asin, title, fulfillable, reserved } => [
            sku.to_string(),
            format!("X{asin}"),
            asin.to_string(),
            title.clone(),
            "New".into(),
            String::new(),
            fulfillable.to_string(),
            reserved.to_string(),
            fulfillable.saturating_add(*reserved).to_string(),
        ],
        Row::OrderLine { order, created_at, updated_at, status, shipped_by, sku, asin, quantity } => [
            order.to_string(),
            instant(*created_at),
            instant(*updated_at),
            status.as_str().to_owned(),
            if *shipped_by == ShippedBy::Amazon { "Amazon".into() } else { "Merchant".into() },
            String::new(),
            sku.to_string(),
            asin.to_string(),
            quantity.to_string(),
        ],
    }
}
