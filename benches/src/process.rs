//! What this process used, as Linux tells it.

use std::time::Duration;

use anyhow::Context;

/// Processor time of this process so far, in steps of 10 ms.
pub fn cpu_time() -> anyhow::Result<Duration> {
    let text = std::fs::read_to_string("/proc/self/stat").context("reading /proc/self/stat")?;
    // The name stands in parentheses and may hold spaces; utime and stime are fields 14 and 15.
    let rest = text.rsplit_once(')').context("/proc/self/stat has no name")?.1;
    let ticks = rest.split_whitespace().skip(11).take(2).map(str::parse::<u64>);
    let ticks: u64 = ticks.sum::<Result<_, _>>().context("/proc/self/stat has no times")?;
    Ok(Duration::from_millis(10 * ticks))
}

/// The most memory that this process ever held, in MiB.
pub fn peak_rss_mb() -> anyhow::Result<f64> {
    status_mb("VmHWM:")
}

/// The memory that this process holds, in MiB.
pub fn rss_mb() -> anyhow::Result<f64> {
    status_mb("VmRSS:")
}

fn status_mb(name: &str) -> anyhow::Result<f64> {
    let text = std::fs::read_to_string("/proc/self/status").context("reading /proc/self/status")?;
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    let line = line.with_context(|| format!("/proc/self/status has no {name}"))?;
    let kib: f64 =
        line.trim().trim_end_matches(" kB").parse().with_context(|| format!("{name} is no number"))?;
    Ok(kib / 1024.0)
}
