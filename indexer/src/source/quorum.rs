//! Endpoints against each other: what counts is what so many nodes say alike.

use std::{collections::HashMap, sync::Arc};

use alloy::primitives::B256;

use super::{
    Answer, BlockHeader, Nonsense, Source, SourceError, Sources, TransactionInput, endpoint::Endpoint,
};

/// A quorum that these nodes cannot have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected a quorum from 1 to the number of nodes ({nodes}), got {got}")]
pub struct QuorumError {
    /// How many nodes there are, each counted once, by however many ways it is asked.
    pub nodes: usize,
    /// How many were to agree.
    pub got: usize,
}

impl QuorumError {
    /// Whether so many of these nodes can agree.
    ///
    /// # Errors
    /// When none have to, or more than there are.
    pub fn check(quorum: usize, nodes: usize) -> Result<(), Self> {
        if (1..=nodes).contains(&quorum) { Ok(()) } else { Err(Self { nodes, got: quorum }) }
    }
}

/// What is held against what others say.
pub(super) trait Voice: PartialEq {
    /// Whether both say the same.
    fn agrees(&self, other: &Self) -> bool {
        self == other
    }

    /// Takes in what another one says that agrees.
    fn join(&mut self, _other: &Self) {}
}

impl Voice for bool {}
impl Voice for BlockHeader {}
impl Voice for HashMap<B256, TransactionInput> {}

/// A height that all have come to who name one as high: nobody raises it alone.
#[derive(PartialEq)]
pub(super) struct Lowest(pub(super) u64);

impl Voice for Lowest {
    fn agrees(&self, _: &Self) -> bool {
        true
    }

    fn join(&mut self, other: &Self) {
        self.0 = self.0.min(other.0);
    }
}

impl Voice for Answer {
    fn agrees(&self, other: &Self) -> bool {
        self.tip == other.tip
            && self.logs.len() == other.logs.len()
            && self.logs.iter().zip(&other.logs).all(|(one, other)| one.is_same(other))
    }

    /// Not every node tells the time of a log's block. What only some tell, others have not confirmed: the block is asked
    /// for it.
    fn join(&mut self, other: &Self) {
        for (log, other) in self.logs.iter_mut().zip(&other.logs) {
            log.block_timestamp = log.block_timestamp.filter(|told| other.block_timestamp == Some(*told));
        }
    }
}

impl Sources {
    /// Whether endpoints are held against each other.
    pub fn has_quorum(&self) -> bool {
        self.0.quorum > 1
    }

    /// The latest block that one knows; where endpoints are held against each other, one that a quorum has at its height.
    /// What is `known` needs no other's word: while that is the head, one endpoint is asked and no more.
    ///
    /// # Errors
    /// As endpoints answer; also when of no head that one tells of a quorum says the same.
    pub async fn head_beyond(&self, known: Option<B256>) -> Result<BlockHeader, SourceError> {
        if !self.has_quorum() {
            return self.head().await;
        }
        let (mut heard, mut failure) = (Vec::new(), None);
        for endpoint in self.in_order() {
            if heard.contains(&endpoint.voter) {
                continue;
            }
            let told = match self.one(endpoint, |source| async move { source.head().await }).await {
                Ok(told) => told,
                Err(error) => {
                    failure = Some(error);
                    continue;
                }
            };
            heard.push(endpoint.voter);
            if known == Some(told.hash) {
                return Ok(told);
            }
            // Of a node that is ahead of the others nothing is known yet, so the next one is asked how far it has come.
            failure = match self.header(told.number).await {
                Ok(agreed) if agreed == told => return Ok(agreed),
                Ok(agreed) => {
                    endpoint.failed(None);
                    let (number, expected, got) = (told.number, agreed.hash, told.hash);
                    Some(self.not_believed(Nonsense::OtherChain { number, expected, got }))
                }
                Err(error) => Some(error),
            };
        }
        Err(failure.unwrap_or_else(no_endpoint))
    }

    /// The answer that a quorum gives, or any where one is enough.
    pub(super) async fn answer<T: Voice, F>(
        &self,
        question: impl Fn(Arc<dyn Source>) -> F,
    ) -> Result<T, SourceError>
    where
        F: Future<Output = Result<T, SourceError>>,
    {
        if self.has_quorum() { self.agreed(question).await } else { self.ask(question).await }
    }

    /// The answer that a quorum gives. Nobody is asked more often than it takes, and no node twice that has answered.
    async fn agreed<T: Voice, F>(&self, question: impl Fn(Arc<dyn Source>) -> F) -> Result<T, SourceError>
    where
        F: Future<Output = Result<T, SourceError>>,
    {
        let mut answers: Vec<(T, usize, &Endpoint)> = Vec::new();
        let (mut heard, mut failure, mut is_again) = (Vec::new(), None, false);
        for endpoint in self.in_order() {
            if heard.contains(&endpoint.voter) {
                continue;
            }
            // To hold answers against each other is not to ask again.
            if std::mem::take(&mut is_again) {
                self.0.meter.asked_again();
            }
            let answer = match self.one(endpoint, &question).await {
                Ok(answer) => answer,
                Err(error) if error.asks_for_less().is_some() => return Err(error),
                Err(error) => {
                    (failure, is_again) = (Some(error), true);
                    continue;
                }
            };
            heard.push(endpoint.voter);
            match answers.iter_mut().find(|(other, ..)| other.agrees(&answer)) {
                Some((other, votes, _)) => {
                    other.join(&answer);
                    *votes += 1;
                }
                None => answers.push((answer, 1, endpoint)),
            }
            if let Some(found) = answers.iter().position(|(_, votes, _)| *votes >= self.0.quorum) {
                let (answer, ..) = answers.swap_remove(found);
                for (.., endpoint) in answers {
                    self.0.meter.failed(Nonsense::Disagree(2).code());
                    endpoint.failed(None);
                }
                return Ok(answer);
            }
        }
        let got = answers.iter().map(|(_, votes, _)| *votes).max().unwrap_or_default();
        let error = match failure {
            _ if answers.len() > 1 => Nonsense::Disagree(answers.len()).into(),
            Some(error) if got == 0 => return Err(error),
            _ => SourceError::NoQuorum { wanted: self.0.quorum, got },
        };
        self.0.meter.failed(error.code());
        Err(error)
    }
}

/// Why nobody answers where there is nobody.
pub(super) fn no_endpoint() -> SourceError {
    SourceError::Unavailable("no endpoint is configured".into())
}

#[cfg(test)]
mod tests {
    use alloy::primitives::{Address, Bytes};

    use super::*;
    use crate::source::RawLog;

    fn answer(times: &[Option<u64>]) -> Answer {
        let log = |(log_index, block_timestamp): (u64, &Option<u64>)| RawLog {
            address: Address::ZERO,
            topics: vec![],
            data: Bytes::new(),
            block_number: 1,
            block_hash: B256::ZERO,
            block_timestamp: *block_timestamp,
            tx_hash: B256::ZERO,
            log_index,
        };
        Answer { logs: (0..).zip(times).map(log).collect(), tip: None }
    }

    #[test]
    fn a_time_that_is_missing_fits_any_and_what_is_left_is_what_all_tell() {
        let mut one = answer(&[Some(1), Some(2), None, None]);
        let other = answer(&[Some(1), None, Some(3), None]);
        assert!(one.agrees(&other) && other.agrees(&one));
        one.join(&other);
        assert_eq!(one, answer(&[Some(1), None, None, None]));
        assert!(!answer(&[Some(1)]).agrees(&answer(&[Some(2)])));
        assert!(!answer(&[None]).agrees(&answer(&[None, None])));
    }

    #[test]
    fn a_quorum_is_of_nodes_that_there_are() {
        for (quorum, nodes, can) in [(0, 2, false), (1, 2, true), (2, 2, true), (3, 2, false), (1, 0, false)]
        {
            assert_eq!(QuorumError::check(quorum, nodes).is_ok(), can, "{quorum} of {nodes}");
        }
        let error = QuorumError::check(2, 1).map_err(|error| error.to_string());
        assert_eq!(error, Err("expected a quorum from 1 to the number of nodes (1), got 2".into()));
    }
}
