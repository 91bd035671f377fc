//! Messages that come again and again: the bands of an image share a few grids, and most have the same data type. The same
//! input is the same message, so what it became the last time is copied, and half of a page of images is not mapped at all.

use std::ops::{Range, RangeInclusive};

use crate::strings;

/// So many messages are remembered of each type: the last ones, because the grids of one image are not those of the next.
const WAYS: usize = 4;
/// An input with fewer bytes for each type is mapped before this has paid.
const WORTH_REMEMBERING: usize = 128;
/// How long a message may be; so comparisons take a bounded time.
const LENGTHS: RangeInclusive<usize> = 8..=1024;

/// A message that was mapped, somewhere in the input.
#[derive(Clone, Copy, Default)]
struct Known {
    at: usize,
    length: usize,
    /// Its last eight bytes: most messages that differ do so here.
    tail: [u8; 8],
    depth: u32,
    made: Made,
}

/// What a message became, somewhere in the output.
#[derive(Clone, Copy, Default)]
pub(crate) struct Made {
    pub at: usize,
    pub length: usize,
}

/// The last messages of one type.
#[derive(Clone, Default)]
struct Recent {
    known: [Known; WAYS],
    next: usize,
}

/// The last messages of each type, by the type's index.
pub(crate) struct Repeats(Vec<Recent>);

impl Repeats {
    /// The memory for one input: none for a short one.
    pub fn new(types: usize, input: &[u8]) -> Self {
        let is_worth_it = cfg!(fuzzing) || input.len() / WORTH_REMEMBERING >= types;
        Repeats(vec![Recent::default(); if is_worth_it { types } else { 0 }])
    }

    /// Find a message of type `index` of which the input stands at `at` once more: the length of that, and what it became.
    #[inline(always)]
    pub fn find(&self, index: usize, depth: u32, input: &[u8], at: usize) -> Option<(usize, Made)> {
        for known in &self.0.get(index)?.known {
            let length = known.length;
            if length > 0
                && strings::chunk(input, at + length - 8) == Some(&known.tail)
                && depth <= known.depth // what was mapped less deep may be too deep here
                && input.get(at..at + length) == input.get(known.at..known.at + length)
            {
                return Some((length, known.made));
            }
        }
        None
    }

    /// Remember a message of type `index`, and forget the one that has been known for longest.
    #[inline(always)]
    pub fn add(&mut self, index: usize, depth: u32, input: &[u8], from: Range<usize>, made: Range<usize>) {
        let Some(recent) = self.0.get_mut(index) else { return };
        let length = from.len();
        if LENGTHS.contains(&length) {
            let tail = strings::chunk(input, from.end - 8).copied().unwrap_or_default();
            let made = Made { at: made.start, length: made.len() };
            recent.known[recent.next % WAYS] = Known { at: from.start, length, tail, depth, made };
            recent.next = recent.next.wrapping_add(1);
        }
    }

    /// Forget all there is.
    pub fn forget(&mut self) {
        self.0.fill(Recent::default());
    }

    /// Forget all, for good.
    pub fn stop(&mut self) {
        self.0.clear();
    }
}
