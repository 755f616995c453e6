//! How many questions are answered at a time, and how many wait for that: whoever comes when both are full is told so at
//! once. Else all would wait ever longer, for answers that come when nobody waits for them any more.

use std::{sync::Arc, time::Duration};

use axum::{
    extract::Request,
    http::{Method, StatusCode},
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::error::ApiError;

/// The turns there are. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Turns {
    turns: Arc<Semaphore>,
    seats: Arc<Semaphore>,
    patience: Duration,
}

/// One of them, until it is dropped.
pub(crate) type Turn = OwnedSemaphorePermit;

impl Turns {
    /// So many at a time, while so many wait, each so long at most.
    pub(crate) fn new(at_once: usize, waiting: usize, patience: Duration) -> Self {
        let [turns, seats] = [at_once, waiting].map(|many| Arc::new(Semaphore::new(many)));
        Self { turns, seats, patience }
    }

    /// A question's turn, once it is; `None` for what takes none. What is handed in does not: whoever sends it slowly would keep
    /// others from asking. Nor does signing in, which waits for an issuer, nor the question whether we live.
    ///
    /// # Errors
    /// When more is asked than can be answered.
    pub(crate) fn take<'a>(
        &'a self,
        request: &Request,
    ) -> impl Future<Output = Result<Option<Turn>, ApiError>> + use<'a> {
        // Told now: nobody waits with a request borrowed.
        let (asks, path) = (matches!(*request.method(), Method::GET | Method::HEAD), request.uri().path());
        let takes = asks && !path.starts_with("/health/") && !path.starts_with("/sign-in");
        async move {
            if !takes {
                return Ok(None);
            }
            let turn = self.next().await;
            turn.map(Some).ok_or_else(|| {
                let message = "more is asked than can be answered; try again";
                ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "overloaded", message)
            })
        }
    }

    /// The next turn; `None` where there is no seat to wait in, or no end of waiting.
    async fn next(&self) -> Option<Turn> {
        if let Ok(turn) = Arc::clone(&self.turns).try_acquire_owned() {
            return Some(turn);
        }
        let _seat = self.seats.try_acquire().ok()?;
        tokio::time::timeout(self.patience, Arc::clone(&self.turns).acquire_owned()).await.ok()?.ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn one_more_than_turns_and_seats_is_turned_away_at_once() {
        let turns = Turns::new(1, 1, Duration::from_secs(60));
        let first = turns.next().await;
        assert!(first.is_some());
        let other = turns.clone();
        let waits = tokio::spawn(async move { other.next().await.is_some() });
        while turns.seats.available_permits() > 0 {
            tokio::task::yield_now().await;
        }
        assert!(turns.next().await.is_none(), "there is no seat left");
        drop(first);
        assert!(waits.await.is_ok_and(|came| came), "whoever waits is next");
        assert!(turns.next().await.is_some(), "turn and seat are free again");
    }

    #[tokio::test]
    async fn nobody_waits_for_ever() {
        let turns = Turns::new(1, 1, Duration::ZERO);
        let first = turns.next().await;
        assert!(turns.next().await.is_none(), "nobody has gone");
        assert_eq!(turns.seats.available_permits(), 1, "the seat is free again");
        drop(first);
        assert!(turns.next().await.is_some());
    }
}
