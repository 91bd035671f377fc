//! JSON that no field takes: checked like all other, and left.

use super::{Parser, ANY_TYPE};
use crate::error::{Error, Kind, Result};
use crate::strings;
use crate::wire::MAX_DEPTH;

/// A list or an object that is being skipped.
struct Level {
    close: u8,
    /// How many keys were noted before it.
    keys: usize,
    start: usize,
}

impl Parser<'_> {
    /// Skip one value in a message at `depth`; each list and object in it counts as a level. Without recursion.
    ///
    /// Where `@type` stands in the objects passed is kept, so that a google.protobuf.Any finds it.
    pub(super) fn skip_value(&mut self, depth: u32) -> Result<()> {
        let mut levels: Vec<Level> = Vec::new();
        loop {
            // At a value.
            match self.peek() {
                open @ (b'{' | b'[') => {
                    if depth as usize + levels.len() >= MAX_DEPTH as usize {
                        return Err(Error::at(Kind::Depth, self.at, "nested deeper than 100 levels"));
                    }
                    let close = open + 2;
                    let start = self.at;
                    levels.push(Level { close, keys: self.keys.len(), start });
                    self.at += 1;
                    self.space();
                    if self.peek() == close {
                        self.at += 1;
                        levels.pop();
                    } else {
                        if close == b'}' {
                            self.skip_key(start)?;
                        }
                        continue;
                    }
                }
                b'"' => self.at = strings::skip(self.text, self.at + 1)?,
                b'-' | b'0'..=b'9' => drop(self.number()?),
                b't' => self.literal("true")?,
                b'f' => self.literal("false")?,
                b'n' => self.literal("null")?,
                _ => return Err(self.unexpected("a JSON value")),
            }
            // After a value.
            loop {
                let Some(level) = levels.last() else { return Ok(()) };
                let (close, keys, start) = (level.close, level.keys, level.start);
                if self.another(close)? {
                    if close == b'}' {
                        self.skip_key(start)?;
                    }
                    break;
                }
                self.require_distinct_keys(keys)?;
                levels.pop();
            }
        }
    }

    /// Skip a key and its colon, and note the key; `object` is where its object starts.
    fn skip_key(&mut self, object: usize) -> Result<()> {
        if self.peek() != b'"' {
            return Err(self.unexpected("a key in quotation marks"));
        }
        let at = self.at;
        let key = self.string_or_surrogates()?;
        self.note_key(&key, at);
        if *key == *ANY_TYPE {
            self.any_types.insert(object, at);
        }
        self.colon()
    }
}
