use axum::body::Bytes;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::{Value, json};

use super::super::amazon::{Amazon, Listing, Refusal, SEARCH_MAX};
use super::super::json::{self, put};
use super::super::read::patch::{Misshapen, read_body};
use super::Asked;
use crate::sku::Sku;

/// `searchListingsItems`: by SKU, or all of them page by page.
pub(super) async fn search(asked: Asked, Path(seller): Path<String>) -> Response {
    if let Err(refusal) = asked.about(&seller) {
        return asked.refuse(refusal);
    }
    let included = asked.query.list("includedData");
    let items = |found: &[Listing]| found.iter().map(|one| json::listing(one, &included)).collect::<Vec<_>>();
    let names = asked.query.list("identifiers");
    if names.is_empty() {
        let page = asked.query.number("pageSize").ok().flatten().unwrap_or(10);
        let page = usize::try_from(page).unwrap_or(0);
        let behind =
            asked.query.text("pageToken").map_or(Some(0), |token| token.strip_prefix('b')?.parse().ok());
        let (Some(behind), 1..=SEARCH_MAX) = (behind, page) else {
            return asked.refuse(Refusal::invalid("Invalid input"));
        };
        let ask = |amazon: &mut Amazon| amazon.list_listings(&asked.account, behind, page);
        let body = |(found, total): (Vec<Listing>, usize)| {
            let mut told = json!({"numberOfResults": total, "items": items(&found)});
            if behind + page < total {
                put(&mut told, "pagination", json!({"nextToken": format!("b{}", behind + page)}));
            }
            told
        };
        return asked.call(ask, StatusCode::OK, body).await;
    }
    if asked.query.text("identifiersType") != Some("SKU") {
        return asked.refuse(Refusal::invalid("identifiersType must be given with identifiers."));
    }
    let skus: Vec<_> = names.iter().filter_map(|name| Sku::parse(name).ok()).collect();
    let ask = |amazon: &mut Amazon| amazon.find_listings(&asked.account, &skus);
    let body = |found: Vec<Listing>| json!({"numberOfResults": found.len(), "items": items(&found)});
    asked.call(ask, StatusCode::OK, body).await
}

/// `getListingsItem`.
pub(super) async fn get(asked: Asked, Path((seller, sku)): Path<(String, String)>) -> Response {
    let sku = match asked.about(&seller).and_then(|()| read_sku(&sku)) {
        Ok(sku) => sku,
        Err(refusal) => return asked.refuse(refusal),
    };
    let included = asked.query.list("includedData");
    let ask = |amazon: &mut Amazon| amazon.get_listing(&asked.account, &sku);
    asked.call(ask, StatusCode::OK, |listing| json::listing(&listing, &included)).await
}

/// `patchListingsItem`.
pub(super) async fn patch(
    asked: Asked,
    Path((seller, sku)): Path<(String, String)>,
    body: Bytes,
) -> Response {
    let sku = match asked.about(&seller).and_then(|()| read_sku(&sku)) {
        Ok(sku) => sku,
        Err(refusal) => return asked.refuse(refusal),
    };
    let patches = match read_body(&body) {
        Ok(patches) => patches,
        Err(Misshapen(why)) => return asked.refuse(Refusal::invalid(why)),
    };
    let is_preview = match asked.query.text("mode") {
        None => false,
        Some("VALIDATION_PREVIEW") => true,
        Some(_) => return asked.refuse(Refusal::invalid("Invalid input")),
    };
    let ask = |amazon: &mut Amazon| amazon.patch(&asked.account, &sku, patches, is_preview);
    let told = |accepted| -> Value { json::submission(sku.as_str(), &accepted) };
    asked.call(ask, StatusCode::OK, told).await
}

fn read_sku(text: &str) -> Result<Sku, Refusal> {
    Sku::parse(text).map_err(|_| Refusal::invalid("Invalid input"))
}

impl Asked {
    /// Whether the path names the token's own seller, and the query a marketplace of it.
    fn about(&self, seller: &str) -> Result<(), Refusal> {
        if seller != self.account.seller().as_str() {
            return Err(Refusal::forbidden(""));
        }
        if self.query.names_only("marketplaceIds", &self.marketplaces()) {
            Ok(())
        } else {
            Err(Refusal::invalid("marketplaceIds must name a marketplace of the seller."))
        }
    }

    pub(super) fn marketplaces(&self) -> Vec<String> {
        let world = self.shared.world();
        let seller = world.amazon.seller(&self.account);
        let names = seller.map(|seller| seller.marketplaces.as_slice()).unwrap_or_default();
        names.iter().map(|name| name.as_str().to_owned()).collect()
    }
}
