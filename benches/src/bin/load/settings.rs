//! What a host may set, as options of the load run.

use clap::Args;
use whatsapp_dispatch::config::DispatchConfig;

/// Left out, each is what a dispatcher has by default.
#[derive(Args, Clone, Copy, Default)]
pub(crate) struct Settings {
    /// Requests on the wire at once, of each dispatcher; in the bare loop, too.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=4_096))]
    pub(crate) concurrency: Option<u32>,
    /// Messages begun and not yet written down, at most so many: what a crash can leave in doubt.
    /// The default is that of the dispatcher, the concurrency and one group.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=65_536))]
    pub(crate) window: Option<u32>,
    /// Messages begun in one call.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=32))]
    pub(crate) begin_group: Option<u32>,
    /// Outcomes written down in one call, at most.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=4_096))]
    pub(crate) record_group: Option<u32>,
    /// Messages taken from the queue ahead of sending.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=65_536))]
    pub(crate) prefetch: Option<u32>,
}

impl Settings {
    pub(crate) fn config(&self) -> DispatchConfig {
        let mut config = DispatchConfig::default().unpaced();
        let set = |to: &mut usize, value: Option<u32>| {
            if let Some(value) = value {
                *to = value as usize;
            }
        };
        set(&mut config.begin_group, self.begin_group);
        set(&mut config.record_group, self.record_group);
        set(&mut config.prefetch, self.prefetch);
        let concurrency = config.concurrency;
        let config = config.with_concurrency(self.concurrency.map_or(concurrency, |value| value as usize));
        match self.window {
            Some(window) => config.with_window(window as usize),
            None => config,
        }
    }

    /// The options that make the same settings in another process.
    pub(crate) fn options(&self) -> Vec<String> {
        let options = [
            ("--concurrency", self.concurrency),
            ("--window", self.window),
            ("--begin-group", self.begin_group),
            ("--record-group", self.record_group),
            ("--prefetch", self.prefetch),
        ];
        let given = options.into_iter().filter_map(|(name, value)| Some((name, value?)));
        given.flat_map(|(name, value)| [name.to_owned(), value.to_string()]).collect()
    }
}
