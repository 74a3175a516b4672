//! A cluster of three servers without replicas.

use std::thread;
use std::time::{Duration, Instant};

use super::server::{RedisServer, free_port};

const NODES: usize = 3;
const SLOTS: usize = 16_384;
/// A server takes writes two seconds after its start at the earliest.
const READY_WITHIN: Duration = Duration::from_secs(30);

/// Three servers with a third of the slots each. Takes a bit more than two seconds, so that one test
/// tries several things on it.
#[derive(Debug)]
pub(crate) struct RedisCluster {
    nodes: Vec<RedisServer>,
}

impl RedisCluster {
    /// Starts a cluster that keeps nothing.
    pub(crate) fn start() -> Self {
        Self::start_with(&[])
    }

    /// As [`Self::start`], with more lines of `redis.conf` for each node.
    pub(crate) fn start_with(config: &[(&str, &str)]) -> Self {
        let bus_ports: Vec<String> = (0..NODES).map(|_| free_port().to_string()).collect();
        let start = |bus_port: &String| {
            let mut options = RedisServer::options()
                .config("cluster-enabled", "yes")
                .config("cluster-config-file", "nodes.conf")
                .config("cluster-node-timeout", "2000")
                .config("cluster-port", bus_port);
            for (name, value) in config {
                options = options.config(name, value);
            }
            options.start()
        };
        let cluster = Self { nodes: bus_ports.iter().map(start).collect() };
        for (index, node) in cluster.nodes.iter().enumerate() {
            let [first, end] = [index, index + 1].map(|index| index * SLOTS / NODES);
            let [first, last] = [first, end - 1].map(|slot| slot.to_string());
            ok(node, &["CLUSTER", "ADDSLOTSRANGE", &first, &last]);
            ok(node, &["CLUSTER", "SET-CONFIG-EPOCH", &(index + 1).to_string()]);
            for (other, bus_port) in cluster.nodes.iter().zip(&bus_ports).take(index) {
                ok(node, &["CLUSTER", "MEET", "127.0.0.1", &other.port().to_string(), bus_port]);
            }
        }
        cluster.wait_until_ok();
        cluster
    }

    /// The nodes' URLs; a client needs one of them to find the others.
    pub(crate) fn urls(&self) -> Vec<String> {
        self.nodes.iter().map(RedisServer::url).collect()
    }

    pub(crate) fn nodes(&self) -> &[RedisServer] {
        &self.nodes
    }

    /// The node with this number, from 0 to 2, to kill it or start it again.
    pub(crate) fn node(&mut self, number: usize) -> &mut RedisServer {
        self.nodes.get_mut(number).unwrap_or_else(|| panic!("a cluster has {NODES} nodes"))
    }

    /// The number of the node whose slots hold a key.
    pub(crate) fn node_of(&self, key: &str) -> usize {
        let node = self.nodes.iter().find(|node| node.is_up()).unwrap_or_else(|| panic!("no node is up"));
        let slot = node.command(&["CLUSTER", "KEYSLOT", key]).integer();
        let slot =
            slot.and_then(|slot| usize::try_from(slot).ok()).unwrap_or_else(|| panic!("{key} has no slot"));
        (0..NODES).rfind(|index| index * SLOTS / NODES <= slot).unwrap_or_default()
    }

    /// Waits until all nodes that are up see every slot served.
    pub(crate) fn wait_until_ok(&self) {
        let give_up = Instant::now() + READY_WITHIN;
        for node in self.nodes.iter().filter(|node| node.is_up()) {
            loop {
                let info = node.command(&["CLUSTER", "INFO"]);
                let info = info.text().unwrap_or_default();
                let whole = ["cluster_state:ok", "cluster_slots_ok:16384", "cluster_known_nodes:3"];
                if whole.iter().all(|line| info.contains(line)) {
                    break;
                }
                assert!(Instant::now() < give_up, "the cluster did not form: {info}\n{}", node.log());
                thread::sleep(Duration::from_millis(10));
            }
        }
    }
}

fn ok(node: &RedisServer, words: &[&str]) {
    let reply = node.command(words);
    assert_eq!(reply.text(), Some("OK"), "{words:?}: {reply:?}");
}
