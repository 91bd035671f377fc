//! google.protobuf.Struct, Value and ListValue: JSON as it is. Most of what Earth Engine says of an image is this.
//!
//! Their field numbers are written out here: `fields` of Struct and `values` of ListValue are 1; the key of an entry is
//! 1 and its value 2; of a Value, null is 1, a number 2, a string 3, a bool 4, a Struct 5 and a ListValue 6.

use super::{inside_key, Parser};
use crate::error::Result;

const FIELDS: u8 = 0x0a;
const KEY: u8 = 0x0a;
const ENTRY_VALUE: u8 = 0x12;
const VALUES: u8 = 0x0a;
const NULL: u8 = 0x08;
const NUMBER: u8 = 0x11;
const STRING: u8 = 0x1a;
const BOOL: u8 = 0x20;
const STRUCT: u8 = 0x2a;
const LIST: u8 = 0x32;

impl Parser<'_> {
    /// The object here, as the content of a Struct at `depth`.
    pub(super) fn struct_content(&mut self, depth: u32) -> Result<()> {
        if self.peek() != b'{' {
            return Err(self.mismatch("an object"));
        }
        self.at += 1;
        self.space();
        if self.peek() == b'}' {
            self.at += 1;
            return Ok(());
        }
        let entry = self.deeper(depth)?;
        let value = self.deeper(entry)?;
        let keys = self.keys.len();
        loop {
            let key_at = self.at;
            self.struct_entry(keys, value).map_err(|error| inside_key(error, self.text, key_at))?;
            if !self.another(b'}')? {
                break;
            }
        }
        self.require_distinct_keys(keys)
    }

    #[inline(always)]
    fn struct_entry(&mut self, keys: usize, depth: u32) -> Result<()> {
        if self.peek() != b'"' {
            return Err(self.unexpected("a key in quotation marks"));
        }
        let entry = self.out.open(&[FIELDS]);
        self.string_key(&[KEY], keys)?;
        self.colon()?;
        self.tagged_value(ENTRY_VALUE, depth)?;
        self.out.close(entry);
        Ok(())
    }

    /// The list here, as the content of a ListValue at `depth`.
    pub(super) fn list_content(&mut self, depth: u32) -> Result<()> {
        if self.peek() != b'[' {
            return Err(self.mismatch("a list"));
        }
        self.at += 1;
        self.space();
        if self.peek() == b']' {
            self.at += 1;
            return Ok(());
        }
        let value = self.deeper(depth)?;
        let mut index = 0;
        loop {
            self.tagged_value(VALUES, value).map_err(|error| error.inside_list(index))?;
            index += 1;
            if !self.another(b']')? {
                return Ok(());
            }
        }
    }

    /// The value here, with a tag and a length before it, as a Value at `depth`.
    #[inline(always)]
    fn tagged_value(&mut self, tag: u8, depth: u32) -> Result<()> {
        match self.peek() {
            b'-' | b'0'..=b'9' => {
                let start = self.at;
                let number = self.double().map_err(|error| self.number_error(error, start))?;
                let mut bytes = [tag, 9, NUMBER, 0, 0, 0, 0, 0, 0, 0, 0];
                bytes[3..].copy_from_slice(&number.to_le_bytes());
                self.out.push_all(&bytes);
                Ok(())
            }
            _ => {
                let open = self.out.open(&[tag]);
                self.value_content(depth)?;
                self.out.close(open);
                Ok(())
            }
        }
    }

    /// The value here, as the content of a Value at `depth`.
    pub(super) fn value_content(&mut self, depth: u32) -> Result<()> {
        match self.peek() {
            b'"' => {
                let open = self.out.open(&[STRING]);
                self.string_content()?;
                self.out.close(open);
            }
            b'{' | b'[' => {
                let inner = self.deeper(depth)?;
                let is_object = self.peek() == b'{';
                let open = self.out.open(&[if is_object { STRUCT } else { LIST }]);
                if is_object {
                    self.struct_content(inner)?;
                } else {
                    self.list_content(inner)?;
                }
                self.out.close(open);
            }
            b't' | b'f' => {
                let value = self.bool()?;
                self.out.push_all(&[BOOL, u8::from(value)]);
            }
            b'n' => {
                self.null()?;
                self.out.push_all(&[NULL, 0]);
            }
            b'-' | b'0'..=b'9' => {
                let start = self.at;
                let number = self.double().map_err(|error| self.number_error(error, start))?;
                self.out.push_fixed64(&[NUMBER], number.to_bits());
            }
            _ => return Err(self.unexpected("a JSON value")),
        }
        #[cfg(feature = "panic-for-tests")]
        assert!(!self.out.bytes.ends_with(b"panic for tests"), "a panic for tests");
        Ok(())
    }
}
