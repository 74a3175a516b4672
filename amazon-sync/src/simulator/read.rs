//! What requests say, read for the simulator alone: an error of the adapter's own types cannot
//! hide here.

pub(super) mod feed;
pub(super) mod patch;
