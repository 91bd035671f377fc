//! Writes nested messages in one pass: the length of a message is known only when it ends.
//!
//! Each message gets one byte for its length, which is enough for most. Longer lengths are kept aside, in the order of the
//! output, and put in when the bytes are copied to where the caller wants them. So no byte is moved twice, however deeply
//! messages nest.
//!
//! Between the fields of the outermost message the output can be cut, and what is before a cut given away: so much output
//! takes little memory, which stays in the processor's cache.

use crate::error::Result;
use crate::repeats::Made;
use crate::wire::varint_length;

/// A length that did not fit into its byte. Small, because large output has many; and nothing is over 2 GiB in the end.
struct Gap {
    /// Where in `bytes` the byte stands.
    at: u32,
    length: u32,
}

impl Gap {
    /// How many bytes more than the one that is there the length takes.
    fn extra(&self) -> usize {
        varint_length(u64::from(self.length)) - 1
    }
}

/// The output of one call.
#[derive(Default)]
pub(crate) struct Writer {
    pub bytes: Vec<u8>,
    gaps: Vec<Gap>,
    /// How many bytes the gaps will add.
    extra: usize,
    cuts: Vec<Cut>,
}

/// A place between two fields of the outermost message.
struct Cut {
    bytes: usize,
    gaps: usize,
}

/// A payload that has begun.
#[derive(Clone, Copy)]
pub(crate) struct Open {
    /// The number of gaps before it: its place in the order, should it become one.
    gap: usize,
    at: usize,
    extra: usize,
}

/// A place to which the output can be taken back.
#[derive(Clone, Copy)]
pub(crate) struct Mark {
    bytes: usize,
    gaps: usize,
    extra: usize,
}

impl Writer {
    pub fn with_capacity(capacity: usize) -> Self {
        Writer { bytes: Vec::with_capacity(capacity), ..Writer::default() }
    }

    #[inline(always)]
    pub fn push(&mut self, byte: u8) {
        self.bytes.push(byte);
    }

    #[inline(always)]
    pub fn push_all(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// Append what was made before once more; no gap is in it.
    #[inline(always)]
    pub fn push_again(&mut self, made: Made) {
        self.bytes.extend_from_within(made.at..made.at + made.length);
    }

    /// Append a tag: short, and so not worth a call to memcpy.
    #[inline(always)]
    pub fn push_tag(&mut self, tag: &[u8]) {
        match *tag {
            [a] => self.bytes.push(a),
            [a, b] => self.bytes.extend_from_slice(&[a, b]),
            _ => self.bytes.extend_from_slice(tag),
        }
    }

    /// Append a tag and the eight bytes of a fixed64.
    #[inline(always)]
    pub fn push_fixed64(&mut self, tag: &[u8], value: u64) {
        let v = value.to_le_bytes();
        if let [a] = *tag {
            self.bytes.extend_from_slice(&[a, v[0], v[1], v[2], v[3], v[4], v[5], v[6], v[7]]);
        } else {
            self.push_tag(tag);
            self.bytes.extend_from_slice(&v);
        }
    }

    #[inline(always)]
    pub fn push_varint(&mut self, value: u64) {
        crate::wire::push_varint(&mut self.bytes, value);
    }

    /// Append a tag, and begin the payload that it announces.
    #[inline(always)]
    pub fn open(&mut self, tag: &[u8]) -> Open {
        match *tag {
            [a] => self.bytes.extend_from_slice(&[a, 0]),
            [a, b] => self.bytes.extend_from_slice(&[a, b, 0]),
            _ => self.open_long(tag),
        }
        Open { gap: self.gaps.len(), at: self.bytes.len() - 1, extra: self.extra }
    }

    #[inline(never)]
    fn open_long(&mut self, tag: &[u8]) {
        self.bytes.extend_from_slice(tag);
        self.bytes.push(0);
    }

    /// End a payload; true if it is not empty.
    #[inline(always)]
    pub fn close(&mut self, open: Open) -> bool {
        let length = self.bytes.len() - open.at - 1 + (self.extra - open.extra);
        if length < 0x80 {
            self.bytes[open.at] = length as u8;
        } else {
            self.add_gap(open, length);
        }
        length > 0
    }

    /// The gaps inside the payload are there already, and come after its own. They are few: a short payload has none.
    #[inline(never)]
    fn add_gap(&mut self, open: Open, length: usize) {
        let small = |value| u32::try_from(value).unwrap_or(u32::MAX);
        self.gaps.insert(open.gap, Gap { at: small(open.at), length: small(length) });
        self.extra += varint_length(length as u64) - 1;
    }

    #[inline]
    pub fn mark(&self) -> Mark {
        Mark { bytes: self.bytes.len(), gaps: self.gaps.len(), extra: self.extra }
    }

    /// Whether nothing was written since `mark`.
    #[inline]
    pub fn is_at(&self, mark: Mark) -> bool {
        self.bytes.len() == mark.bytes
    }

    /// Take the output back to `mark`.
    #[inline]
    pub fn rewind(&mut self, mark: Mark) {
        self.bytes.truncate(mark.bytes);
        self.gaps.truncate(mark.gaps);
        self.extra = mark.extra;
    }

    /// How many bytes there are, with those that the gaps add.
    pub fn len(&self) -> usize {
        self.bytes.len() + self.extra
    }

    /// Note that no field of the outermost message is open.
    pub fn cut(&mut self) {
        if self.cuts.last().map_or(0, |cut| cut.bytes) < self.bytes.len() {
            self.cuts.push(Cut { bytes: self.bytes.len(), gaps: self.gaps.len() });
        }
    }

    /// Give away what is before the last cut, which is at the end, in the parts that the cuts make.
    pub fn give(&mut self, take: &mut Take<'_>) -> Result<()> {
        let (mut bytes, mut gaps) = (0, 0);
        let mut parts = Vec::with_capacity(self.cuts.len());
        for cut in &self.cuts {
            parts.push(Part::new(&self.bytes[bytes..cut.bytes], bytes, &self.gaps[gaps..cut.gaps]));
            (bytes, gaps) = (cut.bytes, cut.gaps);
        }
        take(&parts)?;
        self.bytes.clear();
        self.gaps.clear();
        self.extra = 0;
        self.cuts.clear();
        Ok(())
    }

    /// Whether some of the output is ready to be given away.
    pub fn has_cuts(&self) -> bool {
        !self.cuts.is_empty()
    }

    /// The finished output, but for what was given away.
    pub fn finish(self) -> Output {
        Output { bytes: self.bytes, gaps: self.gaps, extra: self.extra }
    }
}

/// Takes parts of an output, whole fields of the outermost message each, in order.
pub type Take<'t> = dyn FnMut(&[Part<'_>]) -> Result<()> + 't;

/// What a call made: bytes that are still to be copied to where they shall be.
pub struct Output {
    bytes: Vec<u8>,
    gaps: Vec<Gap>,
    /// How many bytes the gaps will add.
    extra: usize,
}

/// Some of an output, or all of it.
pub struct Part<'o> {
    bytes: &'o [u8],
    /// Where in the output `bytes` begin.
    from: usize,
    gaps: &'o [Gap],
    extra: usize,
}

impl Output {
    /// Bytes that are complete as they are.
    pub(crate) fn whole(bytes: Vec<u8>) -> Self {
        Output { bytes, gaps: Vec::new(), extra: 0 }
    }

    /// The number of bytes that are left.
    #[must_use]
    #[allow(clippy::len_without_is_empty, reason = "nobody asks")]
    pub fn len(&self) -> usize {
        self.bytes.len() + self.extra
    }

    /// Take about so many bytes off the end, and give their memory back.
    ///
    /// Who takes an output piece by piece needs little more memory than the output has, though each byte is copied.
    pub fn take_last<T>(&mut self, about: usize, take: impl FnOnce(&Part<'_>) -> T) -> T {
        let from = self.bytes.len().saturating_sub(about);
        let first = self.gaps.partition_point(|gap| (gap.at as usize) < from);
        let last = Part::new(&self.bytes[from..], from, &self.gaps[first..]);
        let extra = last.extra;
        let taken = take(&last);
        self.bytes.truncate(from);
        self.bytes.shrink_to_fit();
        self.gaps.truncate(first);
        self.extra -= extra;
        taken
    }

    /// The bytes, copied if need be.
    #[must_use]
    pub fn into_vec(self) -> Vec<u8> {
        if self.gaps.is_empty() {
            return self.bytes;
        }
        Part::new(&self.bytes, 0, &self.gaps).to_vec()
    }
}

impl<'o> Part<'o> {
    fn new(bytes: &'o [u8], from: usize, gaps: &'o [Gap]) -> Self {
        Part { bytes, from, gaps, extra: gaps.iter().map(Gap::extra).sum() }
    }

    /// The number of bytes.
    #[must_use]
    #[allow(clippy::len_without_is_empty, reason = "nobody asks")]
    pub fn len(&self) -> usize {
        self.bytes.len() + self.extra
    }

    /// The bytes, if nothing has to be put in between them.
    #[must_use]
    pub fn as_slice(&self) -> Option<&[u8]> {
        self.gaps.is_empty().then_some(self.bytes)
    }

    /// The bytes, copied.
    #[must_use]
    pub fn to_vec(&self) -> Vec<u8> {
        let mut target = vec![0; self.len()];
        self.copy_to(&mut target);
        target
    }

    /// Fill `target`, which is `len()` long.
    pub fn copy_to(&self, target: &mut [u8]) {
        let mut rest = target;
        let mut from = 0;
        for gap in self.gaps {
            let at = gap.at as usize - self.from;
            rest = put(rest, &self.bytes[from..at]);
            let mut value = gap.length;
            let mut varint = [0; 5];
            let length = varint_length(u64::from(value));
            for byte in &mut varint[..length] {
                *byte = value as u8 | 0x80;
                value >>= 7;
            }
            varint[length - 1] &= 0x7f;
            rest = put(rest, &varint[..length]);
            from = at + 1;
        }
        put(rest, &self.bytes[from..]);
    }
}

#[inline(always)]
fn put<'t>(target: &'t mut [u8], bytes: &[u8]) -> &'t mut [u8] {
    let (here, rest) = target.split_at_mut(bytes.len());
    here.copy_from_slice(bytes);
    rest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nested(writer: &mut Writer, depth: usize, filler: usize) {
        let open = writer.open(&[0x0a]);
        writer.push_all(&vec![7; filler]);
        if depth > 0 {
            nested(writer, depth - 1, filler);
        }
        writer.close(open);
    }

    fn expected(depth: usize, filler: usize) -> Vec<u8> {
        let mut inner = vec![7; filler];
        if depth > 0 {
            inner.extend(expected(depth - 1, filler));
        }
        let mut bytes = vec![0x0a];
        crate::wire::push_varint(&mut bytes, inner.len() as u64);
        bytes.extend(inner);
        bytes
    }

    #[test]
    fn an_output_comes_apart_from_its_end() {
        for about in [1, 2, 3, 50, 999, 5000] {
            let mut writer = Writer::default();
            nested(&mut writer, 6, 300);
            let mut output = writer.finish();
            let mut together = Vec::new();
            while output.len() > 0 {
                let mut piece = output.take_last(about, |last| {
                    let mut target = vec![0; last.len()];
                    last.copy_to(&mut target);
                    target
                });
                piece.append(&mut together);
                together = piece;
            }
            assert_eq!(together, expected(6, 300));
        }
    }

    #[test]
    fn an_output_comes_apart_where_it_is_cut() {
        for every in [1, 2, 3, 8] {
            let mut writer = Writer::default();
            let (mut given, mut parts, mut wanted) = (Vec::new(), 0, Vec::new());
            let fields = [(0, 5), (6, 300), (0, 127), (2, 20_000), (3, 62), (0, 0), (1, 126), (0, 130)];
            for (number, (depth, filler)) in fields.into_iter().enumerate() {
                nested(&mut writer, depth, filler);
                writer.push_all(&[0x10, 0x96, 0x01]);
                wanted.push([expected(depth, filler), vec![0x10, 0x96, 0x01]].concat());
                writer.cut();
                assert!(writer.has_cuts());
                if number % every == 0 {
                    let length = writer.len();
                    let before = given.len();
                    writer
                        .give(&mut |those| {
                            parts += those.len();
                            given.extend(those.iter().flat_map(Part::to_vec));
                            Ok(())
                        })
                        .unwrap();
                    assert_eq!(given.len() - before, length);
                    assert_eq!(parts, number + 1);
                    assert!(!writer.has_cuts());
                }
            }
            given.extend(writer.finish().into_vec());
            assert_eq!(given, wanted.concat());
        }
    }

    #[test]
    fn what_takes_may_refuse() {
        let mut writer = Writer::default();
        writer.push(0);
        writer.cut();
        let refused = writer.give(&mut |_| Err(crate::Error::new(crate::Kind::Bug, "no")));
        assert_eq!(refused.unwrap_err().message(), "no");
    }

    #[test]
    fn lengths_of_any_size_nest() {
        for filler in [0, 1, 62, 63, 120, 127, 128, 1000, 20_000] {
            for depth in 0..6 {
                let mut writer = Writer::default();
                nested(&mut writer, depth, filler);
                let mark = writer.mark();
                nested(&mut writer, 3, 200);
                writer.rewind(mark);
                nested(&mut writer, 0, 5);
                let wanted = [expected(depth, filler), expected(0, 5)].concat();
                let output = writer.finish();
                assert_eq!(output.len(), wanted.len());
                assert_eq!(output.into_vec(), wanted);
            }
        }
    }
}
