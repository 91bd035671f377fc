//! The boundary to Python: `eegrpc.mapper._rust`. Bytes in, bytes out; the GIL is not held while anything long runs.

use std::panic::{catch_unwind, AssertUnwindSafe};
use std::time::Duration;

use pyo3::create_exception;
use pyo3::exceptions::PyException;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::{Error, Kind, Options, Output, Plan, Result, Skipped};

/// Work on fewer bytes is over before another thread could have been woken.
const WORTH_DETACHING: usize = 4096;
/// Copying more bytes than this takes longer than other threads should wait.
const LARGE: usize = 16 << 20;
const PIECE: usize = 4 << 20;
/// Who only lets go of the GIL and takes it again starves those who wait: they must have the time to wake up.
const HAND_OVER: Duration = Duration::from_micros(50);

create_exception!(
    _rust,
    RefusedError,
    PyException,
    "Input that was refused: (kind, message, path, offset or None, type that an Any wanted or None)."
);

/// A schema compiled for one message type.
#[pyclass(name = "Plan", module = "eegrpc.mapper._rust", frozen)]
struct PyPlan(Plan);

/// (fields, enum names, names of fields, names of enum values).
type SkippedTuple = (u64, u64, Vec<(String, String)>, Vec<(String, String)>);

#[pymethods]
impl PyPlan {
    /// Compile the message type `root` from an encoded FileDescriptorSet; `others` are types for google.protobuf.Any.
    #[new]
    #[pyo3(signature = (
        file_descriptor_set, root, others, *, ignore_unknown_fields, ignore_unknown_enum_names,
        preserving_proto_field_name, always_print_fields_with_no_presence, use_integers_for_enums
    ))]
    #[allow(
        clippy::too_many_arguments,
        clippy::fn_params_excessive_bools,
        clippy::needless_pass_by_value,
        reason = "keywords, on the Python side"
    )]
    fn new(
        file_descriptor_set: &[u8],
        root: &str,
        others: Vec<String>,
        ignore_unknown_fields: bool,
        ignore_unknown_enum_names: bool,
        preserving_proto_field_name: bool,
        always_print_fields_with_no_presence: bool,
        use_integers_for_enums: bool,
    ) -> PyResult<Self> {
        let others: Vec<&str> = others.iter().map(String::as_str).collect();
        let options = Options {
            ignore_unknown_fields,
            ignore_unknown_enum_names,
            preserving_proto_field_name,
            always_print_fields_with_no_presence,
            use_integers_for_enums,
        };
        guard(|| Plan::new(file_descriptor_set, root, &others, options)).map(PyPlan).map_err(refused)
    }

    /// Return the JSON of an encoded message, in pieces.
    fn to_json<'py>(&self, py: Python<'py>, wire: &Bound<'py, PyBytes>) -> PyResult<Pieces<'py>> {
        let input = wire.as_bytes();
        let output = detached(py, input.len(), || guard(|| self.0.to_json(input)))?;
        pieces(py, output)
    }

    /// Return the encoding of a message in JSON, in pieces, and what was skipped, or None.
    fn to_wire<'py>(
        &self,
        py: Python<'py>,
        json: &Bound<'py, PyBytes>,
    ) -> PyResult<(Pieces<'py>, Option<SkippedTuple>)> {
        let input = json.as_bytes();
        let (output, skipped) = detached(py, input.len(), || guard(|| self.0.to_wire(input)))?;
        let tuple = |skipped: Skipped| (skipped.fields, skipped.enum_names, skipped.field_names, skipped.value_names);
        Ok((pieces(py, output)?, skipped.map(tuple)))
    }
}

/// Run `work` on so many bytes, without the GIL if that is worth it.
fn detached<T: Send>(py: Python<'_>, size: usize, work: impl FnOnce() -> Result<T> + Send) -> PyResult<T> {
    let outcome = if size > WORTH_DETACHING { py.detach(work) } else { work() };
    outcome.map_err(refused)
}

/// A panic is a bug of ours, and an error like others to the caller: PyO3's own PanicException is a BaseException.
fn guard<T>(work: impl FnOnce() -> Result<T>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
        let what = panic.downcast_ref::<String>().map(String::as_str).or(panic.downcast_ref::<&str>().copied());
        let text = format!("the native mapper has a bug ({}); please report it", what.unwrap_or("unknown"));
        Err(Error::new(Kind::Bug, text))
    })
}

/// Bytes as Python objects: one, or several that belong together, where making one would hold the GIL too long.
///
/// Python's own `b"".join` releases it.
#[derive(IntoPyObject)]
enum Pieces<'py> {
    One(Bound<'py, PyBytes>),
    Several(Vec<Bound<'py, PyBytes>>),
}

fn pieces(py: Python<'_>, output: Output) -> PyResult<Pieces<'_>> {
    if output.len() > LARGE {
        let bytes = py.detach(|| output.into_vec());
        let piece = |chunk: &[u8]| {
            py.detach(|| std::thread::sleep(HAND_OVER));
            PyBytes::new(py, chunk)
        };
        let several = bytes.chunks(PIECE).map(piece).collect();
        py.detach(|| drop(bytes)); // so much memory takes a while to give back, too
        return Ok(Pieces::Several(several));
    }
    Ok(Pieces::One(match output.as_slice() {
        Some(bytes) => PyBytes::new(py, bytes),
        None => PyBytes::new_with(py, output.len(), |target| {
            output.copy_to(target);
            Ok(())
        })?,
    }))
}

#[cold]
#[allow(clippy::needless_pass_by_value, reason = "it ends here")]
fn refused(error: Error) -> PyErr {
    let wanted = error.wanted_type().map(str::to_owned);
    RefusedError::new_err((error.kind().name(), error.message().to_owned(), error.path(), error.offset(), wanted))
}

#[pymodule(gil_used = false)]
fn _rust(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<PyPlan>()?;
    module.add("RefusedError", module.py().get_type::<RefusedError>())
}
