use axum::http::StatusCode;
use axum::response::Response;
use serde_json::{Value, json};

use super::super::amazon::{Amazon, Listing, Refusal};
use super::super::json::{instant, put};
use super::Asked;
use crate::sku::Sku;

/// `getInventorySummaries`.
pub(super) async fn summaries(asked: Asked) -> Response {
    let query = &asked.query;
    let known = asked.marketplaces();
    let granularity = query.text("granularityId").unwrap_or_default().to_owned();
    let is_right = query.text("granularityType") == Some("Marketplace")
        && known.contains(&granularity)
        && query.names_only("marketplaceIds", &known);
    if !is_right {
        return asked
            .refuse(Refusal::invalid("granularity and marketplaceIds must name the seller's marketplace."));
    }
    let names = query.list("sellerSkus");
    let skus: Vec<_> = names.iter().filter_map(|name| Sku::parse(name).ok()).collect();
    let with_details = query.text("details") == Some("true");
    let token = query.text("nextToken");
    let ask = |amazon: &mut Amazon| amazon.summaries(&asked.account, &skus, token);
    let told = |(found, next): (Vec<Listing>, Option<String>)| {
        let found: Vec<_> = found.iter().map(|one| summary(one, with_details)).collect();
        let granularity = json!({"granularityType": "Marketplace", "granularityId": granularity});
        let mut told = json!({"payload": {"granularity": granularity, "inventorySummaries": found}});
        if let Some(next) = next {
            put(&mut told, "pagination", json!({"nextToken": next}));
        }
        told
    };
    asked.call(ask, StatusCode::OK, told).await
}

fn summary(listing: &Listing, with_details: bool) -> Value {
    let (fulfillable, reserved) =
        listing.amazon.as_ref().map_or((0, 0), |shelf| (shelf.fulfillable, shelf.reserved));
    let mut told = json!({
        "asin": listing.asin.as_str(),
        "fnSku": format!("X{}", listing.asin),
        "sellerSku": listing.sku.as_str(),
        "condition": "NewItem",
        "lastUpdatedTime": instant(listing.updated_at),
        "productName": listing.title,
        "totalQuantity": fulfillable.saturating_add(reserved),
        "stores": [],
    });
    if with_details {
        put(
            &mut told,
            "inventoryDetails",
            json!({
                "fulfillableQuantity": fulfillable,
                "inboundWorkingQuantity": 0,
                "inboundShippedQuantity": 0,
                "inboundReceivingQuantity": 0,
                "reservedQuantity": {
                    "totalReservedQuantity": reserved,
                    "pendingCustomerOrderQuantity": reserved,
                    "pendingTransshipmentQuantity": 0,
                    "fcProcessingQuantity": 0,
                },
            }),
        );
    }
    told
}

/// `getMarketplaceParticipations`.
pub(super) async fn participations(asked: Asked) -> Response {
    let ask = |amazon: &mut Amazon| amazon.participations(&asked.account);
    let told = |names: Vec<String>| json!({"payload": names.iter().map(|name| participation(name)).collect::<Vec<_>>()});
    asked.call(ask, StatusCode::OK, told).await
}

fn participation(marketplace: &str) -> Value {
    let (country, currency, language, domain) = match marketplace {
        "A1PA6795UKMFR9" => ("DE", "EUR", "de_DE", "www.amazon.de"),
        "A1F83G8C2ARO7P" => ("GB", "GBP", "en_GB", "www.amazon.co.uk"),
        "A1VC38T7YXB528" => ("JP", "JPY", "ja_JP", "www.amazon.co.jp"),
        _ => ("US", "USD", "en_US", "www.amazon.com"),
    };
    json!({
        "marketplace": {
            "id": marketplace,
            "name": domain.trim_start_matches("www."),
            "countryCode": country,
            "defaultCurrencyCode": currency,
            "defaultLanguageCode": language,
            "domainName": domain,
        },
        "participation": {"isParticipating": true, "hasSuspendedListings": false},
        "storeName": "Simulated store",
    })
}
