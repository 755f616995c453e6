//! Which blocks were heard: each the parent of the next, and so many at most.

use std::collections::VecDeque;

use alloy::primitives::B256;

use crate::source::BlockHeader;

/// A block that was heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Block {
    pub(super) number: u64,
    pub(super) hash: B256,
    /// How many payments it has.
    pub(super) payments: usize,
}

/// What there is to do at a head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    /// Nothing was heard yet, or it is too far back: begin at the head.
    Begin,
    /// Hear the block of that number.
    Block(u64),
    /// The chain has turned at that number or before it.
    Turned(u64),
    /// Nothing: it was heard, or the node is behind.
    Nothing,
    /// Nothing is known of so early a block: the node is behind, or what was heard was never the chain's.
    Below,
}

/// Blocks that were heard, in order and without a gap.
#[derive(Debug)]
pub(super) struct Kept {
    blocks: VecDeque<Block>,
    most: usize,
}

impl Kept {
    /// None yet, and so many at most.
    pub(super) fn new(most: u64) -> Self {
        Self { blocks: VecDeque::new(), most: usize::try_from(most).unwrap_or(usize::MAX).max(1) }
    }

    pub(super) fn top(&self) -> Option<Block> {
        self.blocks.back().copied()
    }

    pub(super) fn hash(&self, number: u64) -> Option<B256> {
        let first = self.blocks.front()?.number;
        let place = usize::try_from(number.checked_sub(first)?).ok()?;
        self.blocks.get(place).map(|block| block.hash)
    }

    pub(super) fn next(&self, head: &BlockHeader) -> Next {
        let Some(top) = self.top() else { return Next::Begin };
        match (head.number.checked_sub(top.number), self.hash(head.number)) {
            (Some(ahead), None) if usize::try_from(ahead).map_or(true, |ahead| ahead > self.most) => {
                Next::Begin
            }
            (Some(_), None) => Next::Block(top.number + 1),
            (_, Some(ours)) if ours != head.hash => Next::Turned(head.number),
            (None, None) => Next::Below,
            _ => Next::Nothing,
        }
    }

    /// One more, behind the last; gives the one that there is no room for any more.
    pub(super) fn push(&mut self, block: Block) -> Option<Block> {
        self.blocks.push_back(block);
        if self.blocks.len() > self.most { self.blocks.pop_front() } else { None }
    }

    /// Forgets this block and all after it.
    pub(super) fn cut(&mut self, from: u64) {
        while self.top().is_some_and(|top| top.number >= from) {
            self.blocks.pop_back();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(number: u64, hash: u8) -> BlockHeader {
        BlockHeader { number, hash: B256::repeat_byte(hash), parent_hash: None, timestamp: number }
    }

    fn kept(numbers: std::ops::Range<u64>, most: u64) -> (Kept, Vec<u64>) {
        let mut kept = Kept::new(most);
        let gone = numbers.filter_map(|number| {
            let hash = B256::repeat_byte(u8::try_from(number).unwrap_or_default());
            kept.push(Block { number, hash, payments: 0 }).map(|block| block.number)
        });
        let gone = gone.collect();
        (kept, gone)
    }

    #[test]
    fn it_begins_at_the_head_and_goes_on_block_by_block() {
        assert_eq!(kept(0..0, 4).0.next(&header(9, 9)), Next::Begin);
        let (kept, gone) = kept(5..9, 4);
        assert_eq!(gone, [0; 0]);
        assert_eq!(kept.next(&header(8, 8)), Next::Nothing);
        assert_eq!(kept.next(&header(9, 9)), Next::Block(9));
        assert_eq!(kept.next(&header(12, 12)), Next::Block(9));
        assert_eq!(kept.next(&header(13, 13)), Next::Begin, "more is between than there is room for");
        assert_eq!(kept.next(&header(u64::MAX, 1)), Next::Begin);
    }

    #[test]
    fn a_node_that_is_behind_is_no_turn_and_another_hash_is_one() {
        let (kept, _) = kept(5..9, 4);
        assert_eq!(kept.next(&header(6, 6)), Next::Nothing);
        assert_eq!(kept.next(&header(4, 4)), Next::Below);
        assert_eq!(kept.next(&header(6, 66)), Next::Turned(6));
        assert_eq!(kept.next(&header(8, 88)), Next::Turned(8));
    }

    #[test]
    fn the_oldest_makes_room_for_the_newest() {
        let (mut kept, gone) = kept(5..12, 4);
        assert_eq!(gone, [5, 6, 7]);
        assert_eq!((kept.hash(7), kept.hash(8)), (None, Some(B256::repeat_byte(8))));
        kept.cut(10);
        assert_eq!(kept.top().map(|top| top.number), Some(9));
        assert_eq!((kept.hash(10), kept.hash(9)), (None, Some(B256::repeat_byte(9))));
        kept.cut(0);
        assert_eq!(kept.next(&header(10, 10)), Next::Begin);
    }
}
