//! Sellers API v1 and Tokens API 2021-03-01.

use super::{Unread, Wrapped};

calls! {
    /// Where does the seller sell?
    Get "/sellers/v1/marketplaceParticipations" as "getMarketplaceParticipations" gives Wrapped<Vec<MarketplaceParticipation>>;
    pub struct GetMarketplaceParticipations {}

    /// Who is the seller?
    Get "/sellers/v1/account" as "getAccount" gives Wrapped<Account>;
    pub struct GetAccount {}

    /// Asks for a token that opens personal data. A synchroniser of stock needs none.
    Post "/tokens/2021-03-01/restrictedDataToken" as "createRestrictedDataToken" gives RestrictedDataToken;
    pub struct CreateRestrictedDataToken {
        /// For what.
        body: TokenRequest,
    }
}

objects! { "camelCase"
    /// A marketplace, and how the seller takes part in it.
    pub struct MarketplaceParticipation {
        /// The marketplace.
        marketplace: Marketplace,
        /// How the seller takes part.
        participation: Participation,
        /// The seller's name there.
        store_name: String,
    }

    /// A marketplace.
    pub struct Marketplace {
        /// Amazon's name of it.
        id: String,
        /// Its name for people.
        name: String,
        /// Two letters.
        country_code: String,
        /// Three letters.
        default_currency_code: String,
        /// Such as `en_US`.
        default_language_code: String,
        /// Its site.
        domain_name: String,
    }

    /// How a seller takes part in a marketplace.
    pub struct Participation {
        /// Whether it sells there.
        is_participating: bool,
        /// Whether any of its listings is suspended.
        has_suspended_listings: bool,
    }

    /// Who the seller is.
    pub struct Account {
        /// Where it sells.
        marketplace_participation_list: Vec<MarketplaceParticipation>,
        /// Its form, such as `PRIVATE_LIMITED`.
        business_type: String,
        /// `PROFESSIONAL` or `INDIVIDUAL`.
        selling_plan: String,
        /// The business, with its address.
        business: Unread,
        /// A person.
        primary_contact: Unread,
    }

    /// For what a token is asked.
    pub struct TokenRequest {
        /// Which app will use it, if another does.
        target_application: String,
        /// What it should open.
        restricted_resources: Vec<RestrictedResource>,
    }

    /// What a token should open.
    pub struct RestrictedResource {
        /// How it is asked.
        method: String,
        /// The path, with or without its parameters filled.
        path: String,
        /// Which personal data: `buyerInfo`, `shippingAddress`, ...
        data_elements: Vec<String>,
    }

    /// A token that opens personal data.
    pub struct RestrictedDataToken {
        /// The token: a secret.
        restricted_data_token: Unread,
        /// Good for so many seconds.
        expires_in: i64,
    }
}
