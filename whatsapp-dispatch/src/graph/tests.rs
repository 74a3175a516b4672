use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::*;

/// Reads a body, compares its JSON with what was read, and says that nothing was left over.
fn round_trip<T: DeserializeOwned + Serialize>(body: &Value) -> T {
    let read: T = serde_json::from_value(body.clone()).unwrap_or_else(|error| panic!("{body}: {error}"));
    assert_eq!(&json!(read), body);
    assert_eq!(undecoded(&read), 0, "{body}");
    read
}

#[test]
fn answers_to_a_send_survive() {
    let sent: Sent = round_trip(&json!({
        "messaging_product": "whatsapp",
        "contacts": [{"input": "+5511987654321", "wa_id": "551187654321"}],
        "messages": [{"id": "wamid.x", "message_status": "held_for_quality_assessment"}],
        "success": true,
    }));
    assert_eq!(sent.messages[0].message_status, Some(MessageStatus::HeldForQualityAssessment));
    let to_user: Sent = round_trip(&json!({
        "messaging_product": "whatsapp",
        "contacts": [{"input": "BR.1", "user_id": "BR.1", "parent_user_id": "BR.ENT.1"}],
        "messages": [{"id": "wamid.x"}],
    }));
    assert!(!format!("{to_user:?} {sent:?}").contains("BR.1"));
    assert!(round_trip::<Success>(&json!({"success": true})).success);
}

#[test]
fn refusals_of_every_shape_tell_their_code() {
    let bodies = [
        (
            json!({"error": {"message": "(#131056) too fast", "type": "OAuthException", "code": 131_056,
                "error_subcode": 2_494_055, "is_transient": true, "fbtrace_id": "A1",
                "error_data": {"messaging_product": "whatsapp", "details": "wait"},
                "error_user_title": "t", "error_user_msg": "m"}}),
            Some(131_056),
        ),
        (
            json!({"error": {"message": "x", "code": "190", "error_data": "a text"}, "success": false}),
            Some(190),
        ),
        (
            json!({"error": {"message": "x", "code": 100,
                "error_data": {"blame_field_specs": [["components", "0"]]}}}),
            Some(100),
        ),
        (
            json!({"errors": [{"code": 1013, "title": "x", "details": "y", "href": "https://example.com"}],
                "meta": {"api_status": "stable", "version": "2.41.2"}}),
            Some(1013),
        ),
        (json!({"error": "invalid_request", "error_description": "x"}), None),
    ];
    for (body, code) in bodies {
        let read: ErrorBody = round_trip(&body);
        assert_eq!(read.code(), code, "{body}");
        let shown = format!("{read:?} {:?}", read.first());
        assert!(!shown.contains("wait") && !shown.contains("fast"), "{shown}");
    }
}

#[test]
fn numbers_and_apps_survive() {
    let number = json!({
        "id": "1", "display_phone_number": "+49 151 12345678", "verified_name": "Shop", "quality_rating": "GREEN",
        "quality_score": {"score": "GREEN", "date": 1_790_000_000, "reasons": ["x"]}, "status": "CONNECTED",
        "name_status": "APPROVED", "new_name_status": "NONE", "code_verification_status": "VERIFIED",
        "platform_type": "CLOUD_API", "throughput": {"level": "HIGH"}, "is_official_business_account": false,
        "messaging_limit_tier": "TIER_10K", "username": "shop", "account_mode": "LIVE",
        "webhook_configuration": {"application": "https://example.com"}, "is_pin_enabled": true,
        "health_status": {"can_send_message": "AVAILABLE", "entities": []},
        "last_onboarded_time": "2026-01-01T00:00:00+0000",
    });
    let info: PhoneNumberInfo = round_trip(&number);
    assert_eq!(info.status, Some(NumberStatus::Connected));
    assert!(!format!("{info:?}").contains("12345678"));

    let paging = json!({"cursors": {"before": "a", "after": "b"}, "next": "https://example.com", "previous": "https://example.com"});
    let page: Page<PhoneNumberInfo> = round_trip(&json!({"data": [number], "paging": paging}));
    assert_eq!(page.next(), Some("b"));
    let last: Page<PhoneNumberInfo> = round_trip(&json!({"data": [], "paging": {"cursors": {"after": "b"}}}));
    assert_eq!(last.next(), None);

    round_trip::<Page<SubscribedApp>>(&json!({"data": [{
        "whatsapp_business_api_data": {"id": "1", "name": "App", "link": "https://example.com"},
        "override_callback_uri": "https://example.com/hook",
    }]}));
    let strange = json!({"id": "1", "quality_rating": "PURPLE"});
    let info: PhoneNumberInfo = serde_json::from_value(strange.clone()).unwrap();
    assert_eq!((json!(info), undecoded(&info)), (strange, 1));
}

#[test]
fn histories_survive() {
    let event = |status: &str| {
        json!({"id": "2", "delivery_status": status, "timestamp": 1_790_000_000,
            "webhook_update_state": "DELIVERED", "application": {"id": "3"}, "webhook_uri": "https://example.com"})
    };
    let history: Page<MessageHistory> = round_trip(&json!({"data": [
        {"id": "1", "message_id": "wamid.x", "events": {"data": [event("SENT"), event("READ")]}}]}));
    assert!(!format!("{history:?} {:?}", history.data).contains("wamid"));
    round_trip::<Page<HistoryEdge>>(&json!({"data": [{"cursor": "c", "node": {"id": "2",
        "delivery_status": "FAILED", "occurrence_timestamp": 1, "status_timestamp": 2,
        "application": {"id": "3", "name": "App"}}}], "paging": {"cursors": {"after": "c"}}}));
}

#[test]
fn templates_survive_with_every_component() {
    let example = |key: &str, value: Value| json!({key: value});
    let buttons = json!([
        {"type": "QUICK_REPLY", "text": "Stop"},
        {"type": "URL", "text": "Shop", "url": "https://example.com/{{1}}", "example": ["x"],
            "app_deep_link": {"meta_app_id": 7, "android_deep_link": "shop://x"}},
        {"type": "PHONE_NUMBER", "text": "Call", "phone_number": "4915112345678"},
        {"type": "COPY_CODE", "example": "SALE20"},
        {"type": "OTP", "otp_type": "ONE_TAP", "text": "Copy", "autofill_text": "Fill",
            "supported_apps": [{"package_name": "com.example", "signature_hash": "h"}]},
        {"type": "OTP", "otp_type": "ZERO_TAP", "zero_tap_terms_accepted": true, "package_name": "com.example",
            "signature_hash": "h"},
        {"type": "FLOW", "text": "Book", "flow_id": 12, "flow_action": "navigate", "navigate_screen": "A",
            "icon": "PROMOTION"},
        {"type": "FLOW", "text": "Book", "flow_name": "f"}, {"type": "FLOW", "text": "Book", "flow_json": "{}"},
        {"type": "CATALOG", "text": "All"}, {"type": "MPM", "text": "Some"}, {"type": "SPM", "text": "One"},
        {"type": "VOICE_CALL", "text": "Call", "ttl_minutes": 60}, {"type": "ORDER_DETAILS", "text": "Pay"},
    ]);
    let components = json!([
        {"type": "HEADER", "format": "TEXT", "text": "{{1}}", "example": example("header_text", json!(["Sale"]))},
        {"type": "HEADER", "format": "IMAGE", "example": example("header_handle", json!(["4::aW"]))},
        {"type": "HEADER", "format": "VIDEO", "example": example("header_url", json!("https://example.com"))},
        {"type": "HEADER", "format": "LOCATION"}, {"type": "HEADER", "format": "PRODUCT"},
        {"type": "BODY", "text": "{{1}}!", "example": example("body_text", json!([["a", "b"], ["c"]])),
            "add_security_recommendation": true},
        {"type": "BODY", "text": "{{name}}!",
            "example": example("body_text_named_params", json!([{"param_name": "name", "example": "Asha"}]))},
        {"type": "FOOTER", "text": "Bye", "code_expiration_minutes": 10},
        {"type": "LIMITED_TIME_OFFER", "limited_time_offer": {"text": "Now", "has_expiration": true}},
        {"type": "CALL_PERMISSION_REQUEST"},
        {"type": "CAROUSEL", "cards": [{"components": [{"type": "BODY", "text": "Card"}]}]},
        {"type": "BUTTONS", "buttons": buttons},
    ]);
    let asked: NewTemplate = round_trip(&json!({
        "name": "offer", "language": "en_US", "category": "MARKETING", "components": components,
        "parameter_format": "NAMED", "allow_category_change": true, "message_send_ttl_seconds": 600,
        "cta_url_link_tracking_opted_out": true,
    }));
    assert_eq!(asked.category, TemplateCategory::Marketing);
    round_trip::<NewTemplate>(&json!({
        "name": "code", "language": "en", "category": "UTILITY", "library_template_name": "delivery_update_1",
        "library_template_button_inputs": [
            {"type": "URL", "url": {"base_url": "https://example.com/{{1}}", "url_suffix_example": "https://example.com/x"}},
            {"type": "PHONE_NUMBER", "phone_number": "+4915112345678"}],
        "library_template_body_inputs": {"add_learn_more_link": true},
    }));
    let found: Page<MessageTemplate> = round_trip(&json!({"data": [{
        "id": "1", "name": "offer", "language": "en_US", "status": "APPROVED", "category": "MARKETING",
        "previous_category": "ACCOUNT_UPDATE", "components": components, "parameter_format": "POSITIONAL",
        "quality_score": {"score": "UNKNOWN"}, "rejected_reason": "NONE", "message_send_ttl_seconds": 600,
    }], "paging": {"cursors": {"before": "a", "after": "b"}}}));
    assert_eq!(found.data[0].status, Some(TemplateStatus::Approved));
    round_trip::<TemplateCreated>(&json!({"id": "1", "status": "PENDING", "category": "UTILITY"}));
}

#[test]
fn words_are_written_in_capitals_however_they_came() {
    let lower = json!({"type": "body", "text": "x"});
    let read: TemplateComponent = serde_json::from_value(lower).unwrap();
    assert_eq!(json!(read), json!({"type": "BODY", "text": "x"}));
}
