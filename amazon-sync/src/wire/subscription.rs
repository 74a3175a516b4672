//! Notifications API v1: who is told of what, and where.

use super::{Nothing, Wrapped};

calls! {
    /// Which subscriptions are there?
    Get "/notifications/v1/subscriptions" as "getSubscriptions" gives Wrapped<Subscriptions>;
    pub struct GetSubscriptions {
        /// Of these types.
        notification_types: Vec<String>,
        /// Of this version.
        payload_version: String,
        /// So many a page.
        page_size: i64,
        /// Where the last page said to go on.
        next_token: String,
    }

    /// What is the subscription of a type?
    Get "/notifications/v1/subscriptions/{notificationType}" as "getSubscription" gives Wrapped<Subscription>;
    pub struct GetSubscription {
        /// Which type.
        notification_type: String,
        /// Of this version.
        payload_version: String,
    }

    /// Asks to be told.
    Post "/notifications/v1/subscriptions/{notificationType}" as "createSubscription" gives Wrapped<Subscription>;
    pub struct CreateSubscription {
        /// Of what.
        notification_type: String,
        /// Where, and how.
        body: SubscriptionRequest,
    }

    /// What is a subscription? Asked by the application itself.
    Get "/notifications/v1/subscriptions/{notificationType}/{subscriptionId}" as "getSubscriptionById" gives Wrapped<Subscription>;
    pub struct GetSubscriptionById {
        /// Its type.
        notification_type: String,
        /// Which.
        subscription_id: String,
    }

    /// Ends a subscription. Asked by the application itself.
    Delete "/notifications/v1/subscriptions/{notificationType}/{subscriptionId}" as "deleteSubscriptionById" gives Wrapped<Nothing>;
    pub struct DeleteSubscriptionById {
        /// Its type.
        notification_type: String,
        /// Which.
        subscription_id: String,
    }

    /// Sends a notification to try it, in the sandbox alone.
    Post "/notifications/v1/subscriptions/{notificationType}/testNotification" as "sendTestNotification" gives Wrapped<Nothing>;
    pub struct SendTestNotification {
        /// Its type.
        notification_type: String,
        /// Where to.
        body: TestNotificationRequest,
    }

    /// Which destinations are there? Asked by the application itself.
    Get "/notifications/v1/destinations" as "getDestinations" gives Wrapped<Vec<Destination>>;
    pub struct GetDestinations {}

    /// Makes a destination. Asked by the application itself.
    Post "/notifications/v1/destinations" as "createDestination" gives Wrapped<Destination>;
    pub struct CreateDestination {
        /// Where it is.
        body: DestinationRequest,
    }

    /// What is a destination? Asked by the application itself.
    Get "/notifications/v1/destinations/{destinationId}" as "getDestination" gives Wrapped<Destination>;
    pub struct GetDestination {
        /// Which.
        destination_id: String,
    }

    /// Takes a destination away. Asked by the application itself.
    Delete "/notifications/v1/destinations/{destinationId}" as "deleteDestination" gives Wrapped<Nothing>;
    pub struct DeleteDestination {
        /// Which.
        destination_id: String,
    }
}

objects! { "camelCase"
    /// A page of subscriptions.
    pub struct Subscriptions {
        /// The subscriptions.
        subscriptions: Vec<Subscription>,
        /// Where it goes on.
        next_token: String,
    }

    /// A subscription.
    pub struct Subscription {
        /// Amazon's name of it.
        subscription_id: String,
        /// The version of what is told.
        payload_version: String,
        /// Where it is told.
        destination_id: String,
        /// What is left out.
        processing_directive: ProcessingDirective,
    }

    /// A subscription that is asked for.
    pub struct SubscriptionRequest {
        /// The version of what is told.
        payload_version: String,
        /// Where it is told.
        destination_id: String,
        /// What is left out.
        processing_directive: ProcessingDirective,
    }

    /// What is left out of what is told.
    pub struct ProcessingDirective {
        /// By fixed filters.
        event_filter: EventFilter,
        /// By an expression.
        filter_expression: String,
    }

    /// Which events are told.
    pub struct EventFilter {
        /// Which filter it is, such as `ORDER_CHANGE`.
        event_filter_type: String,
        /// Only of these marketplaces.
        marketplace_ids: Vec<String>,
        /// Only these changes of orders.
        order_change_types: Vec<String>,
        /// Several at once.
        aggregation_settings: AggregationSettings,
        /// Only of what is tracked by this.
        tracking_identifier: serde_json::Value,
    }

    /// Several events at once.
    pub struct AggregationSettings {
        /// `FiveMinutes` or `TenMinutes`.
        aggregation_time_period: String,
    }

    /// A destination.
    pub struct Destination {
        /// The owner's name of it.
        name: String,
        /// Amazon's name of it.
        destination_id: String,
        /// What it is.
        resource: DestinationResource,
    }

    /// A destination that is asked for.
    pub struct DestinationRequest {
        /// What it is.
        resource_specification: DestinationResource,
        /// The owner's name of it.
        name: String,
    }

    /// What a destination is: one of these.
    pub struct DestinationResource {
        /// A queue.
        sqs: Sqs,
        /// A bus of events.
        event_bridge: EventBridge,
    }

    /// A queue in SQS.
    pub struct Sqs {
        /// Its ARN. It must not be a FIFO queue.
        arn: String,
    }

    /// A partner's source of events in EventBridge.
    pub struct EventBridge {
        /// Amazon's name of it; missing when it is asked for.
        name: String,
        /// AWS region.
        region: String,
        /// AWS account.
        account_id: String,
    }

    /// Where a notification to try it goes.
    pub struct TestNotificationRequest {
        /// Where to.
        destination_id: String,
        /// What.
        test_notification: TestNotification,
    }

    /// A notification to try it.
    pub struct TestNotification {
        /// The version of what is told.
        payload_version: String,
        /// Which story it tells.
        test_scenario: String,
    }
}
