//! Envelopes whose sessions open only while somebody keeps scoring them.

use super::{Answer, Turn, number};
use crate::{abi::Treasury, role::Role};

impl Turn {
    pub(super) fn set_score_life(&mut self, envelope: u32, life: u32) -> Answer {
        self.only(Role::PolicyManager.bit())?;
        let before = self.existing(envelope)?.score_life;
        if before != 0 && (life == 0 || life > before) {
            self.require_announced()?;
        }
        self.existing_mut(envelope)?.score_life = life;
        self.emit(Treasury::ScoreLifeSet { envelope: number(envelope), life, by: self.caller });
        Ok(())
    }

    pub(super) fn report_score(&mut self, envelope: u32, score: u16) -> Answer {
        self.only(Role::Reviewer.bit())?;
        let now = self.now;
        let record = self.existing_mut(envelope)?;
        (record.scored_at, record.score) = (now, score);
        self.emit(Treasury::ScoreReported { envelope: number(envelope), score, by: self.caller });
        Ok(())
    }
}
