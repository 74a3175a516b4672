//! Listings Items API 2021-08-01.

use serde_json::{Map, Number, Value};

use super::{Issue, IssueSeverity, Timestamp};

calls! {
    /// What is a listing?
    Get "/listings/2021-08-01/items/{sellerId}/{sku}" as "getListingsItem" gives ListingsItem;
    pub struct GetListingsItem {
        /// Whose.
        seller_id: String,
        /// Which.
        sku: String,
        /// Where.
        marketplace_ids: Vec<String>,
        /// The language of what is said about it.
        issue_locale: String,
        /// Which parts of it; `summaries` if it is left out.
        included_data: Vec<String>,
    }

    /// Which listings are there? At most 1,000 are found in all.
    Get "/listings/2021-08-01/items/{sellerId}" as "searchListingsItems" gives ListingsPage;
    pub struct SearchListingsItems {
        /// Whose.
        seller_id: String,
        /// Where.
        marketplace_ids: Vec<String>,
        /// The language of what is said about them.
        issue_locale: String,
        /// Which parts of them; `summaries` if it is left out.
        included_data: Vec<String>,
        /// These ones: at most 20.
        identifiers: Vec<String>,
        /// What the identifiers are: `SKU`, `ASIN`, `EAN`, ...
        identifiers_type: String,
        /// Variations of this one.
        variation_parent_sku: String,
        /// Packs of this one.
        package_hierarchy_sku: String,
        /// Made at or after.
        created_after: Timestamp,
        /// Made at or before.
        created_before: Timestamp,
        /// Changed at or after.
        last_updated_after: Timestamp,
        /// Changed at or before.
        last_updated_before: Timestamp,
        /// With issues as bad as these.
        with_issue_severity: Vec<IssueSeverity>,
        /// With these statuses: `BUYABLE`, `DISCOVERABLE`.
        with_status: Vec<String>,
        /// Without these statuses.
        without_status: Vec<String>,
        /// `sku`, `createdDate` or `lastUpdatedDate`.
        sort_by: String,
        /// `ASC` or `DESC`.
        sort_order: String,
        /// So many a page: 1 to 20, 10 if it is left out.
        page_size: i64,
        /// Where the last page said to go on.
        page_token: String,
    }

    /// Changes parts of a listing.
    Patch "/listings/2021-08-01/items/{sellerId}/{sku}" as "patchListingsItem" gives SubmissionAnswer;
    pub struct PatchListingsItem {
        /// Whose.
        seller_id: String,
        /// Which.
        sku: String,
        /// Where.
        marketplace_ids: Vec<String>,
        /// What the answer should hold: `issues`, `identifiers`.
        included_data: Vec<String>,
        /// `VALIDATION_PREVIEW` to try it without effect.
        mode: String,
        /// The language of what is said about it.
        issue_locale: String,
        /// The changes.
        body: PatchRequest,
    }

    /// Replaces a listing, or makes it.
    Put "/listings/2021-08-01/items/{sellerId}/{sku}" as "putListingsItem" gives SubmissionAnswer;
    pub struct PutListingsItem {
        /// Whose.
        seller_id: String,
        /// Which.
        sku: String,
        /// Where.
        marketplace_ids: Vec<String>,
        /// What the answer should hold: `issues`, `identifiers`.
        included_data: Vec<String>,
        /// `VALIDATION_PREVIEW` to try it without effect.
        mode: String,
        /// The language of what is said about it.
        issue_locale: String,
        /// The listing.
        body: PutRequest,
    }

    /// Takes a listing away.
    Delete "/listings/2021-08-01/items/{sellerId}/{sku}" as "deleteListingsItem" gives SubmissionAnswer;
    pub struct DeleteListingsItem {
        /// Whose.
        seller_id: String,
        /// Which.
        sku: String,
        /// Where.
        marketplace_ids: Vec<String>,
        /// The language of what is said about it.
        issue_locale: String,
    }
}

objects! { "camelCase"
    /// A page of listings.
    pub struct ListingsPage {
        /// How many were found, or more than 1,000.
        number_of_results: i64,
        /// Where it goes on.
        pagination: ListingsPagination,
        /// The listings.
        items: Vec<ListingsItem>,
    }

    /// Where it goes on and where it came from.
    pub struct ListingsPagination {
        /// The next page.
        next_token: String,
        /// The page before.
        previous_token: String,
    }

    /// A listing: the parts of it that were asked for.
    pub struct ListingsItem {
        /// The seller's name for it.
        sku: String,
        /// What it is, marketplace by marketplace.
        summaries: Vec<Summary>,
        /// What was stored, by attribute.
        attributes: Map<String, Value>,
        /// What is wrong with it.
        issues: Vec<Issue>,
        /// For how much.
        offers: Vec<Offer>,
        /// What buyers can have.
        fulfillment_availability: Vec<FulfillmentAvailability>,
        /// What it costs a vendor.
        procurement: Vec<Procurement>,
        /// Its family, marketplace by marketplace.
        relationships: Vec<Relationships>,
        /// Its product type, marketplace by marketplace.
        product_types: Vec<ProductType>,
    }

    /// What a listing is in one marketplace.
    pub struct Summary {
        /// Where.
        marketplace_id: String,
        /// Amazon's name of the product.
        asin: String,
        /// Amazon's product type.
        product_type: String,
        /// Such as `new_new`.
        condition_type: String,
        /// `BUYABLE`, `DISCOVERABLE`, both or none.
        status: Vec<String>,
        /// Amazon's name of the units, where Amazon ships.
        fn_sku: String,
        /// The product's name.
        item_name: String,
        /// When it was made.
        created_date: Timestamp,
        /// When it last changed.
        last_updated_date: Timestamp,
        /// Its picture.
        main_image: Image,
    }

    /// A picture.
    pub struct Image {
        /// Where it is.
        link: String,
        /// In pixels.
        height: i64,
        /// In pixels.
        width: i64,
    }

    /// For how much it is sold in one marketplace.
    pub struct Offer {
        /// Where.
        marketplace_id: String,
        /// `B2C` or `B2B`.
        offer_type: String,
        /// For how much.
        price: Money,
        /// With how many points, in Japan.
        points: Points,
        /// To whom.
        audience: Audience,
    }

    /// An amount of money.
    pub struct Money {
        /// Three letters.
        currency_code: String,
        /// A decimal number as text.
        amount: String,
    }

    /// Points.
    pub struct Points {
        /// How many.
        points_number: i64,
    }

    /// To whom an offer is made.
    pub struct Audience {
        /// Such as `ALL`.
        value: String,
        /// For people.
        display_name: String,
    }

    /// What buyers can have, through one channel.
    pub struct FulfillmentAvailability {
        /// `DEFAULT`, `AMAZON_NA`, ...
        fulfillment_channel_code: String,
        /// How many; missing where Amazon ships.
        quantity: i64,
    }

    /// What it costs a vendor.
    pub struct Procurement {
        /// How much.
        cost_price: Money,
    }

    /// A listing's family in one marketplace.
    pub struct Relationships {
        /// Where.
        marketplace_id: String,
        /// One by one.
        relationships: Vec<Relationship>,
    }

    /// How a listing belongs to others.
    pub struct Relationship {
        /// Those below it.
        child_skus: Vec<String>,
        /// Those above it.
        parent_skus: Vec<String>,
        /// By what variations differ.
        variation_theme: VariationTheme,
        /// `VARIATION` or `PACKAGE_HIERARCHY`.
        kind = "type": String,
    }

    /// By what variations differ.
    pub struct VariationTheme {
        /// The attributes.
        attributes: Vec<String>,
        /// Such as `COLOR_NAME`.
        theme: String,
    }

    /// A product type in one marketplace.
    pub struct ProductType {
        /// Where.
        marketplace_id: String,
        /// Amazon's product type.
        product_type: String,
    }

    /// Changes to a listing.
    pub struct PatchRequest {
        /// Amazon's product type; `PRODUCT` does for offers.
        product_type: String,
        /// One by one.
        patches: Vec<PatchOperation>,
    }

    /// A change to one attribute.
    pub struct PatchOperation {
        /// What to do.
        op: PatchOp,
        /// Which attribute, such as `/attributes/fulfillment_availability`.
        path: String,
        /// Its values.
        value: Vec<Value>,
    }

    /// A whole listing.
    pub struct PutRequest {
        /// Amazon's product type.
        product_type: String,
        /// What must be complete: `LISTING`, `LISTING_PRODUCT_ONLY`, `LISTING_OFFER_ONLY`.
        requirements: String,
        /// What is to be stored, by attribute.
        attributes: Map<String, Value>,
    }

    /// What became of a change.
    pub struct SubmissionAnswer {
        /// Which listing.
        sku: String,
        /// Whether it was taken. A refused one is answered with HTTP 200, too.
        status: SubmissionStatus,
        /// Amazon's name of the change.
        submission_id: String,
        /// What is wrong with it.
        issues: Vec<Issue>,
        /// What the product is, with a preview.
        identifiers: Vec<Identifiers>,
    }

    /// What a product is in one marketplace.
    pub struct Identifiers {
        /// Where.
        marketplace_id: String,
        /// Amazon's name of the product.
        asin: String,
    }
}

objects! { "snake_case"
    /// A value of the attribute `fulfillment_availability`: what a seller declares.
    pub struct FulfillmentAttribute {
        /// `DEFAULT`, `AMAZON_NA`, ... A quantity without it is refused.
        fulfillment_channel_code: String,
        /// How many.
        quantity: Number,
        /// In how many days it leaves.
        lead_time_to_ship_max_days: Number,
        /// When there will be more.
        restock_date: String,
        /// Always or never to be had, instead of a quantity.
        is_inventory_available: bool,
        /// Where, in some product types.
        marketplace_id: String,
    }
}

words! {
    /// What a patch does with an attribute.
    pub enum PatchOp {
        /// Puts it there.
        Add = "add",
        /// Puts it there instead of what there is: what the value leaves out is gone.
        Replace = "replace",
        /// Changes what the value names and leaves the rest.
        Merge = "merge",
        /// Takes it away.
        Delete = "delete",
    }

    /// Whether a change was taken.
    pub enum SubmissionStatus {
        /// It was, and will take effect.
        Accepted = "ACCEPTED",
        /// It was refused.
        Invalid = "INVALID",
        /// It would have been taken: the answer to a preview.
        Valid = "VALID",
    }
}
