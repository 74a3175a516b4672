//! What is posted, in an order that both processes can work out.

/// A status: the index of its message, and which of [`WORDS`].
pub(crate) type Status = (u32, u8);

pub(crate) const WORDS: [&str; 3] = ["sent", "delivered", "read"];

/// So many messages have statuses enough for so many posts.
pub(crate) fn messages(posts: u32) -> usize {
    posts as usize
}

/// What each post tells: 1 to 3 statuses, no status twice, in random order.
pub(crate) fn posts(messages: usize, posts: u32, seed: u64) -> Vec<Vec<Status>> {
    let mut random = seed;
    // Two statuses a post are told on average, so a third of the messages stay out of it.
    let told = (2 * messages / 3).max(1) as u32;
    let mut all: Vec<Status> =
        (0..told).flat_map(|message| (0..3).map(move |word| (message, word))).collect();
    for last in (1..all.len()).rev() {
        all.swap(last, (next(&mut random) % (last as u64 + 1)) as usize);
    }
    let mut all = all.into_iter();
    let mut list = Vec::with_capacity(posts as usize);
    for left in (1..=posts as usize).rev() {
        // Never so many that a later post has none.
        let most = (all.len() + 1).saturating_sub(left).clamp(1, 3) as u64;
        let count = (1 + next(&mut random) % 3).min(most) as usize;
        list.push(all.by_ref().take(count).collect());
    }
    list
}

/// What must be known at the end.
pub(crate) struct Expected {
    pub(crate) statuses: usize,
    /// Messages that are accepted and not delivered, delivered and not read, read.
    pub(crate) states: [u64; 3],
}

impl Expected {
    pub(crate) fn of(messages: usize, count: u32, seed: u64) -> Self {
        let posts = posts(messages, count, seed);
        let mut best = vec![0; messages];
        for &(message, word) in posts.iter().flatten() {
            let known = &mut best[message as usize];
            *known = usize::from(word).max(*known);
        }
        let mut states = [0; WORDS.len()];
        for known in best {
            states[known] += 1;
        }
        Self { statuses: posts.iter().map(Vec::len).sum(), states }
    }
}

/// `SplitMix64`: any sequence will do, and this one repeats.
fn next(random: &mut u64) -> u64 {
    *random = random.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let mut mixed = *random;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}
