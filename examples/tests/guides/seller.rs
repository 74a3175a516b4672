//! The code of "sync a seller" and "read a plan": it runs against a simulated Amazon over HTTP.

// ANCHOR: uses
use std::fs::{self, File};
use std::path::Path;
use std::sync::Arc;

use amazon_sync::adapters::host::StockFile;
use amazon_sync::adapters::sp_api::{FeedSink, PatchSink, SellerAccess, SpApi, SpApiConfig};
use amazon_sync::rules_core::judge::tenant::{TenantId, TenantRecord};
use amazon_sync::rules_core::store::sqlite::Sqlite;
use amazon_sync::rules_core::work::clock::SystemClock;
use amazon_sync::rules_core::work::pacer::MemoryPacer;
use amazon_sync::rules_core::work::secrets::FixedSecrets;
use amazon_sync::rules_core::work::tenants::{FixedTenants, Tenants};
use amazon_sync::seller::{MarketplaceId, Region, SellerId};
use amazon_sync::sku::Sku;
use amazon_sync::sku_map::SkuMap;
use amazon_sync::sync::{Account, Applied, Moved, Plan, Received, Sync};

// ANCHOR_END: uses

// ANCHOR: open
/// The seller's shop: `skus.csv`, `stock.csv` and the ledger `shop.db` lie in the folder.
async fn open(folder: &Path, amazon: SpApiConfig, secrets: FixedSecrets) -> anyhow::Result<Sync> {
    let shop = TenantId::parse("shop")?;
    let tenants = Tenants::new(FixedTenants::new([TenantRecord::new(shop.clone())]));
    let scope = tenants.enter(&shop).await?;

    let (seller, region) = (SellerId::parse("A2NEXAMPLETF53")?, Region::Europe);
    let germany = MarketplaceId::parse("A1PA6795UKMFR9")?;
    let access = SellerAccess::new(&scope, seller.clone(), region, [germany], "refresh-token")?;
    let pacer = MemoryPacer::new(Arc::new(SystemClock)); // several processes: Redis
    let amazon = SpApi::new(amazon, Arc::new(secrets), Arc::new(pacer), Arc::new(SystemClock))?;
    amazon.authorise(access);

    let map = SkuMap::from_csv(File::open(folder.join("skus.csv"))?)?;
    let stock = StockFile::at(folder.join("stock.csv"));
    let store = Sqlite::open(folder.join("shop.db")).await?;
    let sync = Sync::builder(&store, amazon.clone(), stock)
        .sink(PatchSink::new(amazon.clone()))
        .sink(FeedSink::new(amazon))
        .account(Account::new(seller, region, map))
        .tenant(tenants, shop)
        .build()
        .await?;
    Ok(sync)
}
// ANCHOR_END: open

// ANCHOR: real
fn real(
    client_id: &str,
    client_secret: &str,
    refresh_token: &str,
) -> anyhow::Result<(SpApiConfig, FixedSecrets)> {
    let amazon = SpApiConfig::new("my-shop", client_id, "client-secret")?;
    let secrets = FixedSecrets::new() // or a SecretSource over your vault
        .with("client-secret", client_secret)
        .with("refresh-token", refresh_token);
    Ok((amazon, secrets))
}
// ANCHOR_END: real

// ANCHOR: first
/// Looks, and writes nothing to Amazon.
async fn first_look(folder: &Path, sync: &Sync) -> anyhow::Result<Plan> {
    let plan = sync.plan().await?; // orders, stock and listings, as they are
    println!("{plan}");
    fs::write(folder.join("plan.tsv"), plan.to_tsv())?;
    for letter in sync.letters(0, 100).await? {
        println!("{} {}: {}", letter.letter.code, letter.letter.subject, letter.letter.text);
    }
    Ok(plan)
}
// ANCHOR_END: first

// ANCHOR: run
/// Keeps the seller true until the host wants to stop.
async fn keep_true(sync: &Sync, until: impl Future<Output = ()> + Send) -> anyhow::Result<()> {
    sync.run(until).await?;
    println!("{}", sync.report().await?);
    Ok(())
}
// ANCHOR_END: run

// ANCHOR: program
/// `look` writes a plan, `apply` decides what it says, `run` keeps the seller true.
async fn program(
    word: Option<&str>,
    folder: &Path,
    sync: Sync,
    until: impl Future<Output = ()> + Send,
) -> anyhow::Result<()> {
    match word {
        Some("look") => first_look(folder, &sync).await.map(drop),
        Some("apply") => apply(folder, &sync).await.map(drop),
        Some("run") => keep_true(&sync, until).await,
        _ => anyhow::bail!("say look, apply or run"),
    }
}

// ANCHOR_END: program

#[expect(dead_code, reason = "the guide's main compiles here, and its parts run below")]
// ANCHOR: main
#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let [id, secret, token] = ["CLIENT_ID", "CLIENT_SECRET", "REFRESH_TOKEN"].map(std::env::var);
    let (amazon, secrets) = real(&id?, &secret?, &token?)?;
    let folder = Path::new(".");
    let sync = open(folder, amazon, secrets).await?;
    let ctrl_c = async { tokio::signal::ctrl_c().await.unwrap_or_default() };
    program(std::env::args().nth(1).as_deref(), folder, sync, ctrl_c).await
}
// ANCHOR_END: main

// ANCHOR: notified
/// True: delete it from your queue. False: have it sent again later.
async fn notified(sync: &Sync, body: Vec<u8>) -> anyhow::Result<bool> {
    Ok(sync.receive(vec![body.into()]).await? == Received::Stored)
}
// ANCHOR_END: notified

// ANCHOR: why
async fn why(sync: &Sync, sku: &str) -> anyhow::Result<String> {
    use amazon_sync::rules_core::work::clock::Clock as _;
    Ok(sync.explain(&Sku::parse(sku)?, SystemClock.now()).await?.to_string())
}
// ANCHOR_END: why

// ANCHOR: apply
/// What a person left in the file is done, where the world has not moved.
async fn apply(folder: &Path, sync: &Sync) -> anyhow::Result<Applied> {
    let plan = Plan::from_tsv(&fs::read_to_string(folder.join("plan.tsv"))?)?;
    let applied = sync.apply(&plan, Moved::LeaveOut).await?;
    println!("{applied}");
    Ok(applied)
}
// ANCHOR_END: apply

mod rehearsal {
    use std::time::Duration;

    use amazon_sync::rules_core::work::clock::{Clock, ClockExt};
    use amazon_sync::simulator::{
        AmazonAccount, Behaviour, Faults, Incident, ListingPlan, ScriptedOrder, Simulator, Span, World,
    };
    use amazon_sync::sku::ItemCode;
    use tokio::sync::{mpsc, oneshot};

    use super::*;

    // ANCHOR: simulated
    /// An Amazon on 127.0.0.1 that shows 20 mugs and 30 spoons.
    async fn simulated() -> anyhow::Result<(Simulator, AmazonAccount)> {
        let seller = AmazonAccount::parse("A2NEXAMPLETF53", Region::Europe)?;
        let (mug, spoon) = (ItemCode::parse("mug")?, ItemCode::parse("spoon")?);
        let mut behaviour = Behaviour::default();
        behaviour.patch_effect = Span::seconds(1, 1); // in truth it is minutes
        behaviour.notice_delay = Span::seconds(1, 1);
        let world = World::builder(SystemClock.now())
            .faults(Faults::none())
            .behaviour(behaviour)
            .seller(&seller, ["A1PA6795UKMFR9"])
            .item(mug.clone(), 17)
            .item(spoon.clone(), 30)
            .listing(&seller, ListingPlan::merchant(Sku::parse("MUG")?, 20).made_of([(mug, 1)]))
            .listing(&seller, ListingPlan::merchant(Sku::parse("SPOON")?, 30).made_of([(spoon, 1)]))
            .subscribe();
        Ok((Simulator::builder(world.build()?).start().await?, seller))
    }

    fn access_to(amazon: &Simulator, seller: &AmazonAccount) -> anyhow::Result<(SpApiConfig, FixedSecrets)> {
        let config = SpApiConfig::new("my-shop", amazon.client_id(), "client-secret")?
            .with_base_url(amazon.url())?
            .with_login_url(&format!("{}/auth/o2/token", amazon.url()))?;
        let secrets = FixedSecrets::new()
            .with("client-secret", amazon.client_secret())
            .with("refresh-token", amazon.refresh_token(seller));
        Ok((config, secrets))
    }
    // ANCHOR_END: simulated

    const SKUS: &str = "\
# ANCHOR: skus
sku,channel,kind,of,units
MUG,DEFAULT,item,mug,
SPOON,DEFAULT,item,spoon,
# ANCHOR_END: skus
";

    const STOCK: &str = "\
# ANCHOR: stock
item,quantity
mug,17
spoon,30
# ANCHOR_END: stock
";

    /// The files of the guide, as they stand there.
    fn files(folder: &Path) {
        for (name, text) in [("skus.csv", SKUS), ("stock.csv", STOCK)] {
            let lines = text.lines().filter(|line| !line.starts_with('#'));
            fs::write(folder.join(name), lines.collect::<Vec<_>>().join("\n")).unwrap();
        }
    }

    async fn until(mut holds: impl FnMut() -> bool) {
        let patience = async {
            while !holds() {
                SystemClock.sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(60), patience).await.expect("the condition never held");
    }

    #[test]
    fn a_real_seller_needs_three_secrets() {
        let (config, _) = real("amzn1.application-oa2-client.x", "hush", "hush").unwrap();
        assert!(!format!("{config:?}").contains("hush"));
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_newcomer_keeps_a_seller_true() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        files(folder);
        let (amazon, seller) = simulated().await.unwrap();
        let (config, secrets) = access_to(&amazon, &seller).unwrap();
        let shows = |sku: &str| {
            let sku = Sku::parse(sku).unwrap();
            amazon.world(|world| world.shown(&seller, &sku)).unwrap()
        };

        let sync = open(folder, config.clone(), secrets.clone()).await.unwrap();
        let never = std::future::pending;
        program(Some("look"), folder, sync.clone(), never()).await.unwrap();
        let plan = Plan::from_tsv(&fs::read_to_string(folder.join("plan.tsv")).unwrap()).unwrap();
        assert_eq!((plan.listings(), plan.writes()), (2, 1), "{plan}");
        assert_eq!((amazon.report().writes, shows("MUG")), (0, 20));
        program(Some("apply"), folder, sync, never()).await.unwrap();
        assert_eq!(amazon.report().writes, 0, "whoever runs it publishes");

        let sync = open(folder, config, secrets).await.unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let (running, place) = (sync.clone(), folder.to_owned());
        let task = tokio::spawn(async move {
            let stopped = async move { stopped.await.unwrap_or_default() };
            program(Some("run"), &place, running, stopped).await
        });
        until(|| shows("MUG") == 17).await;

        // Somebody buys, and the notification comes long before the next poll.
        let (notices, mut told) = mpsc::unbounded_channel();
        amazon.deliver_notices_to(move |notice| {
            notices.send(notice.to_vec()).ok();
        });
        let order = ScriptedOrder::of(Sku::parse("SPOON").unwrap(), 2);
        amazon.world(|world| world.happen(Incident::Place(seller.clone(), order)));
        while !why(&sync, "SPOON").await.unwrap().contains("can ship 28") {
            let notice = tokio::time::timeout(Duration::from_secs(30), told.recv()).await;
            assert!(notified(&sync, notice.unwrap().unwrap()).await.unwrap());
            until_applied(&sync).await;
        }
        stop.send(()).unwrap();
        task.await.unwrap().unwrap();
        assert_eq!((shows("MUG"), shows("SPOON"), amazon.report().oversold_units), (17, 28, 0));
    }

    async fn until_applied(sync: &Sync) {
        let before = sync.report().await.unwrap().events;
        let patience = async {
            while sync.report().await.unwrap().events == before {
                SystemClock.sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(30), patience).await.expect("no event was applied");
    }
}
