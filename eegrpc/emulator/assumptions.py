"""Choices made where Earth Engine's behaviour is not documented.

An answer that rests on one of them says so by its name: :attr:`eegrpc.emulator.evaluator.ImageResult.assumptions`.
docs/emulator.md lists the same names; a test keeps the two equal.
"""

from __future__ import annotations

ASSUMPTIONS: dict[str, str] = {
    "advance-fraction-by-average": "A fraction of a month or year in Date.advance is one of its average length.",
    "aggregates-skip-nulls": "AggregateFeatureCollection functions leave out elements whose property is missing.",
    "array-band-name": "The band that ImageCollection.toArray makes is called array.",
    "average-year-gregorian": "On average a year has 365.2425 days, and a month a twelfth of that.",
    "band-name-characters": "Band names consist of ASCII letters, digits and _ - . :",
    "binary-footprint-first": "A binary image function over two different footprints keeps the first one.",
    "binary-grid-first": "A binary image function takes the grid of the first image, unless that is a constant's.",
    "cast-keeps-metadata": "Casts keep id and properties of the image.",
    "composite-bands-of-all": "A composite has the bands of all images, in the order in which they first come.",
    "composite-index-by-position": "Images without an index get their position as index when put into a collection.",
    "composite-unbounded": "A composite has no bounds and no properties.",
    "date-property-as-object": 'A Date in a property is returned as {"type": "Date", "value": milliseconds}.',
    "date-without-time-never-matches": "An image without system:time_start passes no date filter.",
    "day-of-year-wraps": "Filter.dayOfYear wraps around the end of the year as Filter.calendarRange does.",
    "distinct-keeps-first": "Collection.distinct keeps the first of several equal elements.",
    "duplicate-band-names-suffixed": "Selecting or renaming to one name twice appends _1, _2, ... to the later ones.",
    "drawn-band-names": "Collection.draw and Collection.style give vis-red, vis-green and vis-blue, without bounds.",
    "equals-missing-both-null": "Filter.equals with a missing property is false unless both sides are null.",
    "first-of-empty-is-null": "Collection.first of an empty collection is null.",
    "footprint-boundary-intersects": "Geometries that only touch do intersect.",
    "for-each-underscore": "Reducer.forEach puts an underscore between its names and those of several outputs.",
    "from-images-keeps-index": "ImageCollection.fromImages keeps the index of images that have one.",
    "groups-ascending": "Reducer.group gives the groups in ascending order, numbers before strings.",
    "integer-division-is-float": "Image.divide of two integer bands is a float band.",
    "list-contains-strict": "Filter.listContains compares types too: 1 is not '1'.",
    "map-keeps-index": "Collection.map gives every result the index of its input.",
    "map-collection-rekeyed-asset": "An asset that gets another index keeps its id and name.",
    "mixed-types-never-match": "Ordering comparisons between a number and a string are false.",
    "negated-comparison-missing-is-false": "notEquals, lessThanOrEquals and greaterThanOrEquals are false on a null.",
    "never-from-histogram": "Median, mode and percentile use every single value, however many there are.",
    "not-passes-missing": "Filter.not passes an element whose property is missing, as plain negation.",
    "percentiles-in-proportion": "A percentile between two values lies between them as its rank lies between theirs.",
    "random-by-own-hash": "The numbers of Collection.randomColumn are a hash of our own of the keys and the seed.",
    "range-by-interval": "The range of an arithmetic result is worked out from the ranges of its inputs.",
    "rectangle-crosses-antimeridian": "A rectangle whose west is greater than its east crosses the antimeridian.",
    "reduced-image-like-arithmetic": "Image.reduce and arrayReduce keep footprint and grid, and nothing else.",
    "reduced-pixel-types": "Minima, maxima, modes, first and last values and mosaics hold what all inputs hold; "
    "means, medians and percentiles are floats of floats, else doubles; counts have 32 bits; all else is double.",
    "reduced-resolution-keeps-metadata": "Image.reduceResolution keeps grid, id and properties of the image.",
    "reducers-of-nothing": "The sum of no values is 0, their product 1; what has too few values is null.",
    "reducers-skip-nulls": "Reducers of numbers leave out nulls, and records with a null in them.",
    "set-null-removes": "Setting a property to null removes it.",
    "sort-missing-last": "Elements without the sort key come last, in both directions.",
    "sort-mixed-types": "In a sort, numbers come before strings, and strings before anything else.",
    "string-filters-case-sensitive": "Filters on strings distinguish upper and lower case.",
    "system-id-replaced": "An image whose system:id was set shows that id, and no name.",
    "system-index-in-properties": "The index of a computed or re-indexed image is returned in properties.",
    "unlinked-bands-of-first": "Linked bands without a matching image have the types of the first image's bands.",
    "wide-rectangle-planar": "A rectangle 180 degrees wide or wider has straight edges unless geodesic is given.",
}
