"""What evaluation can refuse, and how. A leaf: everything in the emulator may import it."""

from __future__ import annotations

# A path through a deep graph is cut in the middle: its ends say where the caller is and what failed.
MAX_PATH_SEGMENTS = 16


class AlgorithmError(Exception):
    """An algorithm refuses its arguments.

    Raised by algorithms and the helpers they share. The evaluator turns it into an :class:`EvaluationError`, adding
    the function's name and its place in the graph, so that helpers need to know neither.

    Args:
        message: What was wrong, as Earth Engine would say it, without the function's name.
        unsupported: True if Earth Engine would have answered and only the emulator cannot.

    """

    def __init__(self, message: str, *, unsupported: bool = False) -> None:
        super().__init__(message)
        self.message = message
        self.unsupported = unsupported


class EvaluationError(Exception):
    """An expression could not be evaluated; the caller must change the expression (or, if unsupported, avoid it).

    Attributes:
        message: Reads like Earth Engine's, for example ``Image.select: Band pattern 'x' did not match any bands.``
        segments: The way from the result to the failing node: the result's key, then names of functions.
        unsupported: True if Earth Engine would have answered and only the emulator cannot.
        function: The function that is not supported, or that has an argument which is not; None otherwise.

    """

    def __init__(
        self,
        message: str,
        *,
        segments: tuple[str, ...] = (),
        unsupported: bool = False,
        function: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.segments = segments
        self.unsupported = unsupported
        self.function = function

    @property
    def path(self) -> str:
        """Where it happened, for example ``values.3 > Collection.map > Image.select``."""
        shown = self.segments
        if len(shown) > MAX_PATH_SEGMENTS:
            half = MAX_PATH_SEGMENTS // 2
            skipped = len(shown) - 2 * half
            shown = (*shown[:half], f"({skipped} more)", *shown[-half:])
        return " > ".join(shown)

    def __str__(self) -> str:
        return f"{self.message} [at {self.path}]" if self.segments else self.message

    def inside(self, segments: tuple[str, ...]) -> EvaluationError:
        """Return the same error, seen from further out.

        Args:
            segments: The way to the place where evaluation of the inner part began.

        Returns:
            A new error whose path starts with ``segments``.

        """
        return self.replaced(self.message, segments)

    def replaced(self, message: str, segments: tuple[str, ...] = ()) -> EvaluationError:
        """Return the same error with another message, and ``segments`` in front of its path."""
        return EvaluationError(
            message,
            segments=segments + self.segments,
            unsupported=self.unsupported,
            function=self.function,
        )
