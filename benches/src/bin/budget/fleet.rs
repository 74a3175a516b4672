//! Worker processes, as their parent sees them. They end when their input ends, so also when the
//! parent dies.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use anyhow::{Context, ensure};

use crate::worker::{Orders, Told};

struct Worker {
    child: Child,
    orders: Option<ChildStdin>,
    told: BufReader<ChildStdout>,
}

pub(crate) struct Fleet {
    workers: Vec<Worker>,
}

impl Fleet {
    /// Returns when all of them are ready.
    pub(crate) fn start(orders: impl Iterator<Item = Orders>) -> anyhow::Result<Self> {
        let mut workers = orders.map(|orders| Worker::start(&orders)).collect::<anyhow::Result<Vec<_>>>()?;
        for worker in &mut workers {
            let first = worker.hear()?;
            ensure!(first.trim() == "ready", "a worker did not get ready: {first}");
        }
        Ok(Self { workers })
    }

    pub(crate) fn go(&mut self) -> anyhow::Result<()> {
        self.workers.iter_mut().try_for_each(|worker| worker.tell("go"))
    }

    /// Ends all of them at once, and hears what they tell.
    pub(crate) fn end(&mut self) -> anyhow::Result<Vec<Told>> {
        for worker in &mut self.workers {
            drop(worker.orders.take());
        }
        let told = |worker: &mut Worker| {
            serde_json::from_str(&worker.hear()?).context("a worker did not tell how it went")
        };
        self.workers.iter_mut().map(told).collect()
    }
}

impl Worker {
    fn start(orders: &Orders) -> anyhow::Result<Self> {
        let mut child = Command::new(std::env::current_exe().context("finding this program")?)
            .arg("worker")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("starting a worker")?;
        let told = BufReader::new(child.stdout.take().context("a worker has no output")?);
        let mut worker = Self { orders: child.stdin.take(), child, told };
        worker.tell(&serde_json::to_string(orders)?)?;
        Ok(worker)
    }

    fn tell(&mut self, line: &str) -> anyhow::Result<()> {
        let orders = self.orders.as_mut().context("a worker has no input")?;
        writeln!(orders, "{line}").context("telling a worker what to do")
    }

    fn hear(&mut self) -> anyhow::Result<String> {
        let mut line = String::new();
        self.told.read_line(&mut line).context("reading what a worker tells")?;
        Ok(line)
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        drop(self.orders.take());
        self.child.wait().ok();
    }
}
