//! Two clocks: the wall's, which a merchant waits by, and this thread's, which a busy machine does not disturb.

use std::time::{Duration, Instant};

use rustix::time::{ClockId, Timespec, clock_gettime};

/// How long something took.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Took {
    pub(crate) wall: Duration,
    pub(crate) cpu: Duration,
}

/// What a call gave, and how long it took.
pub(crate) fn timed<T>(call: impl FnOnce() -> T) -> (T, Took) {
    let cpu = clock_gettime(ClockId::ThreadCPUTime);
    let wall = Instant::now();
    let value = call();
    let wall = wall.elapsed();
    let cpu = since(cpu);
    (value, Took { wall, cpu })
}

fn since(start: Timespec) -> Duration {
    let spent = clock_gettime(ClockId::ThreadCPUTime) - start;
    Duration::try_from(spent).unwrap_or_default()
}
