use super::*;

#[tokio::test]
async fn a_refresh_token_is_good_for_an_access_token_of_an_hour() {
    let door = Door::with_mugs().await;
    let told = door.log_in().await;
    assert_eq!(
        (told.status, &told.body["token_type"], &told.body["expires_in"]),
        (200, &json!("bearer"), &json!(3600))
    );
    let path = format!("{ITEMS}/MUG?marketplaceIds={US}");
    door.pass(3_599);
    assert_eq!(door.get(&path).await.status, 200);
    door.pass(1);
    assert_eq!(code(&door.get(&path).await), (403, "Unauthorized"));
}

#[tokio::test]
async fn who_may_not_log_in_is_told_why_in_oauths_words() {
    let door = Door::with_mugs().await;
    for (changed, status, word) in [
        (("client_secret", "guess"), 401, "invalid_client"),
        (("client_id", "somebody"), 401, "invalid_client"),
        (("refresh_token", "Atzr|none"), 400, "invalid_grant"),
        (("grant_type", "password"), 400, "unsupported_grant_type"),
    ] {
        let told = door.log_in_with(&[changed]).await;
        assert_eq!((told.status, told.body["error"].as_str()), (status, Some(word)));
    }
}

#[tokio::test]
async fn a_seller_that_revokes_ends_tokens_old_and_new() {
    let door = Door::with_mugs().await;
    door.amazon.world(|world| world.happen(Incident::Revoke(owner())));
    assert_eq!(code(&door.get(&format!("{ITEMS}/MUG?marketplaceIds={US}")).await), (403, "Unauthorized"));
    let told = door.log_in().await;
    assert_eq!((told.status, told.body["error"].as_str()), (400, Some("invalid_grant")));
    door.amazon.world(|world| world.happen(Incident::Authorise(owner())));
    assert_eq!(door.log_in().await.status, 200);
}

#[tokio::test]
async fn tokens_may_expire_early_and_logging_in_may_fail_for_a_while() {
    let mut faults = Faults::none();
    faults.token_error = 0.5;
    let door = Door::of(calm().faults(faults)).await;
    let mut words = Vec::new();
    for _ in 0..20 {
        let told = door.log_in().await;
        words.push((told.status, told.body["error"].as_str().map(str::to_owned)));
    }
    assert!(words.contains(&(200, None)) && words.contains(&(500, Some("server_error".into()))), "{words:?}");
    door.amazon.world(|world| world.happen(Incident::ExpireTokens));
    assert_eq!(code(&door.get("/sellers/v1/marketplaceParticipations").await), (403, "Unauthorized"));
}
