//! Are the keys of an object all different? In n log n, whatever the keys are, and with one number kept per key.

/// A number that equal keys share, and different keys hardly ever.
#[inline]
pub(crate) fn fingerprint(key: &[u8]) -> u64 {
    const MULTIPLIER: u64 = 0x9e37_79b9_7f4a_7c15;
    let mix = |hash: u64, word: u64| (hash.rotate_left(23) ^ word).wrapping_mul(MULTIPLIER);
    let mut hash = key.len() as u64;
    let mut words = key.chunks_exact(8);
    for word in &mut words {
        hash = mix(hash, word.first_chunk().map_or(0, |word| u64::from_le_bytes(*word)));
    }
    let last = words.remainder().iter().fold(0u64, |word, &byte| word << 8 | u64::from(byte));
    mix(hash, last)
}

/// A key, by its fingerprint and where it stands. Small, because hostile objects have many.
#[derive(Clone, Copy)]
pub(crate) struct Key {
    pub print: u64,
    at: u32,
    length: u32,
}

impl Key {
    /// `at` is less than `MAX_INPUT`; `length` is 0 if nobody wants to know.
    #[inline]
    pub fn new(print: u64, at: usize, length: usize) -> Self {
        Key { print, at: at as u32, length: u32::try_from(length).unwrap_or(0) }
    }

    #[inline]
    pub fn at(self) -> usize {
        self.at as usize
    }

    #[inline]
    pub fn length(self) -> usize {
        self.length as usize
    }
}

/// No input is larger: so the places of keys fit 32 bits.
pub(crate) const MAX_INPUT: usize = u32::MAX as usize;

/// Looks for repeated keys, and remembers the last ones among which there were none.
#[derive(Default)]
pub(crate) struct Distinct {
    last: Vec<Key>,
}

/// Fewer keys are sorted as fast as remembered.
const WORTH_REMEMBERING: usize = 8;
/// Fewer keys are sorted as fast as anything.
const FEW: usize = 32;

impl Distinct {
    /// The key that was at this index in the last object.
    #[inline(always)]
    pub fn expected(&self, index: usize) -> Option<Key> {
        self.last.get(index).copied()
    }

    /// Whether all fingerprints differ. Then the keys differ, too.
    #[inline]
    pub fn are_all(&mut self, keys: &[Key]) -> bool {
        self.suspects(keys).is_empty()
    }

    /// The places of keys that an equal one follows, in no order. `text` gives the key at a place.
    ///
    /// Only keys of equal fingerprints are looked at, and those are sorted: a sender who makes fingerprints collide
    /// gains nothing by it.
    #[inline]
    pub fn repeated<T: Ord>(&mut self, keys: &[Key], text: impl Fn(usize) -> T) -> Vec<usize> {
        let mut found = Vec::new();
        for run in self.suspects(keys).chunk_by(|a, b| a.print == b.print) {
            let mut texts: Vec<(T, usize)> = run.iter().map(|key| (text(key.at()), key.at())).collect();
            texts.sort_unstable();
            found.extend(texts.windows(2).filter(|pair| pair[0].0 == pair[1].0).map(|pair| pair[0].1));
        }
        found
    }

    /// The keys whose fingerprint others have, too, sorted by it.
    #[inline]
    fn suspects(&mut self, keys: &[Key]) -> Vec<Key> {
        // The objects of a list look alike: mostly the keys are the same, in the same order.
        if keys.len() == self.last.len() && keys.iter().zip(&self.last).all(|(key, last)| key.print == last.print) {
            return Vec::new();
        }
        let suspects = colliding(keys);
        if suspects.is_empty() && keys.len() > WORTH_REMEMBERING {
            self.last.clear();
            self.last.extend_from_slice(keys);
        }
        suspects
    }
}

/// The keys of equal fingerprints, sorted by fingerprint.
#[inline(never)]
fn colliding(keys: &[Key]) -> Vec<Key> {
    let mut suspects = if keys.len() > FEW { sharing_a_bit(keys) } else { keys.to_vec() };
    suspects.sort_unstable_by_key(|key| key.print);
    let is_alone = suspects.windows(2).all(|pair| pair[0].print != pair[1].print);
    if is_alone {
        return Vec::new();
    }
    suspects.chunk_by(|a, b| a.print == b.print).filter(|run| run.len() > 1).flatten().copied().collect()
}

/// The keys that share the first bits of their fingerprint with others: few, unless they are made to.
///
/// Two bits for each of many places tell them apart from the others in two passes, and nobody has to sort them all.
fn sharing_a_bit(keys: &[Key]) -> Vec<Key> {
    let width = (keys.len() * 32).next_power_of_two().trailing_zeros();
    let place = |key: &Key| {
        let bit = key.print >> (64 - width);
        ((bit / 64) as usize, 1u64 << (bit % 64))
    };
    let mut once = vec![0u64; 1 << (width - 6)];
    let mut twice = once.clone();
    for key in keys {
        let (word, bit) = place(key);
        twice[word] |= once[word] & bit;
        once[word] |= bit;
    }
    let shares = |key: &&Key| {
        let (word, bit) = place(key);
        twice[word] & bit != 0
    };
    keys.iter().filter(shares).copied().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeated_keys_are_found_even_among_colliding_ones() {
        let texts = ["a", "b", "a", "c", "b", "a", "d"];
        for print in [|key: &str| fingerprint(key.as_bytes()), |_: &str| 7] {
            let keys: Vec<Key> = texts.iter().enumerate().map(|(at, text)| Key::new(print(text), at, 0)).collect();
            let mut found = Distinct::default().repeated(&keys, |at| texts[at]);
            found.sort_unstable();
            assert_eq!(found, [0, 1, 2]);
        }
    }

    #[test]
    fn of_many_keys_just_the_repeated_ones_are_found() {
        for count in [33, 100, 5_000] {
            let texts: Vec<String> = (0..count).map(|number| format!("key{}", number % (count - 3))).collect();
            for (modulus, expected) in [(u64::MAX, [0, 1, 2]), (7, [0, 1, 2])] {
                let print = |text: &String| fingerprint(text.as_bytes()) % modulus;
                let keys: Vec<Key> = texts.iter().enumerate().map(|(at, text)| Key::new(print(text), at, 0)).collect();
                let mut found = Distinct::default().repeated(&keys, |at| &texts[at]);
                found.sort_unstable();
                assert_eq!(found, expected);
            }
        }
    }

    #[test]
    fn what_was_found_the_last_time_is_no_prejudice() {
        let mut distinct = Distinct::default();
        let prints = |keys: &[u64]| -> Vec<Key> { keys.iter().map(|&print| Key::new(print, 0, 0)).collect() };
        let different: Vec<u64> = (0..20).collect();
        let mut repeating = different.clone();
        repeating[19] = 0;
        for _ in 0..3 {
            assert!(distinct.are_all(&prints(&different)));
            assert!(!distinct.are_all(&prints(&repeating)));
            assert!(!distinct.are_all(&prints(&repeating)));
            assert!(distinct.are_all(&prints(&[])));
        }
    }
}
