//! The tuning sweep: one setting after the other is changed, all others stay as they are by
//! default, and a table and a chart show what that does.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;
use clap::Args;

use whatsapp_dispatch::config::DispatchConfig;

use crate::chart::{self, Panel, Point};
use crate::figures::{Figures, Summary};
use crate::settings::Settings;
use crate::{Run, Store};

#[derive(Args)]
pub(crate) struct Sweep {
    /// The store that is tuned, as in a plain run.
    #[arg(long, value_parser = crate::store)]
    store: Store,
    /// Messages of each run.
    #[arg(long, default_value_t = 20_000, value_parser = clap::value_parser!(u32).range(1_000..=1_000_000))]
    messages: u32,
    /// How often each setting is run; the median counts.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=100))]
    runs: u32,
    /// What is said about store and machine above the table.
    #[arg(long, default_value = "")]
    about: String,
    /// Where `sweep.md` and `sweep.svg` are written.
    #[arg(long, default_value = "docs/src/tuning")]
    out: PathBuf,
}

/// One setting and the values that are tried.
struct Knob {
    name: &'static str,
    option: &'static str,
    /// How long the far side takes to answer.
    latency: Duration,
    values: &'static [u32],
    /// What it is when nobody sets it.
    default: fn(&DispatchConfig) -> usize,
    set: fn(&mut Run, u32),
}

const AT_ONCE: Duration = Duration::ZERO;
/// About what the Cloud API takes.
const AS_META: Duration = Duration::from_millis(100);

const KNOBS: [Knob; 8] = [
    Knob {
        name: "requests on the wire, answers at once",
        option: "concurrency",
        latency: AT_ONCE,
        values: &[8, 32, 64, 128, 256, 512],
        default: |config| config.concurrency,
        set: |run, value| run.settings.concurrency = Some(value),
    },
    Knob {
        name: "requests on the wire, answers after 100 ms",
        option: "concurrency",
        latency: AS_META,
        values: &[8, 32, 64, 128, 256, 512],
        default: |config| config.concurrency,
        set: |run, value| {
            run.settings.concurrency = Some(value);
            // Each request makes ten messages a second at most: four seconds will do.
            run.messages = run.messages.min(40 * value);
        },
    },
    Knob {
        name: "messages begun in one call",
        option: "begin_group",
        latency: AT_ONCE,
        values: &[1, 4, 8, 16, 32],
        default: |config| config.begin_group,
        set: |run, value| run.settings.begin_group = Some(value),
    },
    Knob {
        name: "begun and not yet written down",
        option: "window",
        latency: AT_ONCE,
        values: &[144, 160, 224, 320, 640, 1_280],
        default: |config| config.window,
        set: |run, value| run.settings.window = Some(value),
    },
    Knob {
        name: "outcomes written down in one call",
        option: "record_group",
        latency: AT_ONCE,
        values: &[8, 32, 64, 128, 256, 512],
        default: |config| config.record_group,
        set: |run, value| run.settings.record_group = Some(value),
    },
    Knob {
        name: "batch taken from the queue ahead",
        option: "prefetch",
        latency: AT_ONCE,
        values: &[64, 125, 250, 500, 1_000, 2_000],
        default: |config| config.prefetch,
        set: |run, value| run.settings.prefetch = Some(value),
    },
    Knob {
        name: "lanes (campaigns at once)",
        option: "lanes",
        latency: AT_ONCE,
        values: &[1, 5, 50, 500],
        default: |_| 1,
        set: |run, value| {
            run.campaigns = value;
            run.messages = run.messages.max(100 * value);
        },
    },
    Knob {
        name: "worker processes",
        option: "workers",
        latency: AT_ONCE,
        values: &[1, 2, 3, 4],
        default: |_| 1,
        set: |run, value| run.workers = value,
    },
];

impl Sweep {
    pub(crate) async fn run(self) -> anyhow::Result<()> {
        let knobs = KNOBS.iter().filter(|knob| {
            let shared = matches!(self.store, Store::Redis(_));
            shared || knob.option != "workers"
        });
        let (mut table, mut panels) = (self.head(), Vec::new());
        for knob in knobs {
            let default = (knob.default)(&DispatchConfig::default());
            let mut points = Vec::new();
            for (value, summary) in self.turn(knob).await? {
                let rate = summary.messages_per_second.unwrap_or_default();
                let is_default = usize::try_from(value)? == default;
                let shown_value = if is_default { format!("**{value}**") } else { value.to_string() };
                writeln!(
                    table,
                    "| {} | `{}` | {shown_value} | {rate:.0} | {} | {} | {} |",
                    knob.name,
                    knob.option,
                    shown(summary.cpu_us_per_message),
                    shown(summary.store_cpu_us_per_message),
                    shown(summary.store_trips_per_message),
                )?;
                points.push(Point { label: value.to_string(), value: rate, is_default });
            }
            panels.push(Panel { title: knob.name.to_owned(), points });
        }
        std::fs::create_dir_all(&self.out).context("making the folder for table and chart")?;
        write(&self.out.join("sweep.md"), &table)?;
        write(&self.out.join("sweep.svg"), &chart::svg("messages a second", &panels))
    }

    /// Runs each value of a setting in turn, then all of them again: what else the machine does meets
    /// all values alike.
    async fn turn(&self, knob: &Knob) -> anyhow::Result<Vec<(u32, Summary)>> {
        let mut figures: Vec<Figures> = knob.values.iter().map(|_| Figures::default()).collect();
        for _ in 0..self.runs {
            for (value, figures) in knob.values.iter().zip(&mut figures) {
                let mut run = self.plain();
                (knob.set)(&mut run, *value);
                figures.add(run.measure(knob.latency).await?);
            }
        }
        let mut summaries = Vec::with_capacity(figures.len());
        for (value, figures) in knob.values.iter().zip(figures) {
            let summary = figures.summary()?;
            eprintln!("{} {value}: {:.0}/s", knob.option, summary.messages_per_second.unwrap_or_default());
            summaries.push((*value, summary));
        }
        Ok(summaries)
    }

    fn plain(&self) -> Run {
        Run {
            messages: self.messages,
            store: self.store.clone(),
            pairs: 1,
            settings: Settings::default(),
            campaigns: 1,
            workers: 0,
            latency_ms: 0,
            alone: true,
            timeout_seconds: 3_600,
            json: false,
        }
    }

    fn head(&self) -> String {
        let about = if self.about.is_empty() { String::new() } else { format!("{}\n\n", self.about) };
        format!(
            "# What the sweep measured\n\n{about}{} messages a run, median of {} runs; fewer where answers take 100 ms, \
             and at least 100 for each lane. Defaults are bold.\n\n\
             ![Messages a second by setting](sweep.svg)\n\n\
             | what is changed | setting | value | messages a second | CPU a message, µs | of the server, µs | store trips a \
             message |\n|---|---|---:|---:|---:|---:|---:|\n",
            self.messages, self.runs
        )
    }
}

fn shown(value: Option<f64>) -> String {
    value.map_or("-".to_owned(), |value| value.to_string())
}

fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    std::fs::write(path, text).with_context(|| format!("writing {}", path.display()))
}
