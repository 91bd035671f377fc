//! A set of small numbers: which fields and oneofs of a message have come.

/// Which fields and oneofs of a message have come.
#[derive(Default)]
pub(crate) struct Seen {
    first: u64,
    /// Messages of more than 64 fields.
    more: Vec<u64>,
}

impl Seen {
    /// Note `index`; true if it was noted before.
    #[inline(always)]
    pub fn again(&mut self, index: usize) -> bool {
        let bit = 1 << (index % 64);
        let word = if index < 64 { &mut self.first } else { self.word(index / 64 - 1) };
        let again = *word & bit != 0;
        *word |= bit;
        again
    }

    #[inline(never)]
    fn word(&mut self, index: usize) -> &mut u64 {
        if self.more.len() <= index {
            self.more.resize(index + 1, 0);
        }
        &mut self.more[index]
    }
}
