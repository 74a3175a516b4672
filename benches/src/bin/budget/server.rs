//! The server that the budgets are on, as somebody sees it who does not use them.

use deadpool_redis::redis::{Client, cmd};

/// Removes every key of stores whose names begin so. They would go by themselves after a day.
pub(crate) async fn remove(url: &str, name: &str) -> anyhow::Result<()> {
    let mut connection = Client::open(url)?.get_multiplexed_async_connection().await?;
    let mut cursor = 0_u64;
    loop {
        let mut scan = cmd("SCAN");
        scan.arg(cursor).arg("MATCH").arg(format!("{{{name}*")).arg("COUNT").arg(1_000);
        let (next, keys): (u64, Vec<Vec<u8>>) = scan.query_async(&mut connection).await?;
        if !keys.is_empty() {
            cmd("UNLINK").arg(keys).query_async::<()>(&mut connection).await?;
        }
        cursor = next;
        if cursor == 0 {
            return Ok(());
        }
    }
}
