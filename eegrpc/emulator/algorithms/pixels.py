"""Functions whose results depend on pixels: known by their signatures, answered only by the stubs of a test."""

from eegrpc.emulator.evaluation.registry import needs_pixels

needs_pixels(
    'Image.classify(image: Image, classifier: Classifier, outputName: String = "classification") -> Image',
    'Image.cluster(image: Image, clusterer: Clusterer, outputName: String = "cluster") -> Image',
    "Image.hersDescriptor(element: Element, selectors: List<String> = null, buckets: Integer = 100, "
    "peakWidthScale: Float = 1) -> Dictionary<Object>",
    "Image.loadGeoTIFF(uri: String) -> Image",
    "Image.loadMosaic(uri: String) -> Image",
    "Image.reduceRegion(image: Image, reducer: Reducer, geometry: Geometry = null, scale: Float = null, "
    "crs: Projection = null, crsTransform: List<Float> = null, bestEffort: Boolean = false, "
    "maxPixels: Long = 10000000, tileScale: Float = 1) -> Dictionary<Object>",
    "Image.reduceRegions(image: Image, collection: FeatureCollection, reducer: Reducer, scale: Float = null, "
    "crs: Projection = null, crsTransform: List<Float> = null, tileScale: Float = 1, "
    "maxPixelsPerRegion: Long = null) -> FeatureCollection",
    "Image.reduceToVectors(image: Image, reducer: Reducer = null, geometry: Geometry = null, scale: Float = null, "
    'geometryType: String = "polygon", eightConnected: Boolean = true, labelProperty: String = "label", '
    "crs: Projection = null, crsTransform: List<Float> = null, bestEffort: Boolean = false, "
    "maxPixels: Long = 10000000, tileScale: Float = 1, geometryInNativeProjection: Boolean = false) "
    "-> FeatureCollection",
    "Image.reduceToVectorsStreaming(image: Image, reducer: Reducer = null, geometry: Geometry = null, "
    'scale: Float = null, geometryType: String = "polygon", eightConnected: Boolean = true, '
    'labelProperty: String = "label", crs: Projection = null, crsTransform: List<Float> = null, '
    "bestEffort: Boolean = false, maxPixels: Long = 10000000, tileScale: Float = 1, "
    "geometryInNativeProjection: Boolean = false) -> FeatureCollection",
    "Image.sample(image: Image, region: Geometry = null, scale: Float = null, projection: Projection = null, "
    "factor: Float = null, numPixels: Long = null, seed: Integer = 0, dropNulls: Boolean = true, "
    "tileScale: Float = 1, geometries: Boolean = false) -> FeatureCollection",
    "Image.sampleRectangle(image: Image, region: Geometry = null, properties: List<String> = null, "
    "defaultValue: Float = null, defaultArrayValue: Array = null) -> Feature",
    "Image.sampleRegions(image: Image, collection: FeatureCollection, properties: List<String> = null, "
    "scale: Float = null, projection: Projection = null, tileScale: Float = 1, geometries: Boolean = false) "
    "-> FeatureCollection",
    "Image.stratifiedSample(image: Image, numPoints: Integer, classBand: String = null, region: Geometry = null, "
    "scale: Float = null, projection: Projection = null, seed: Integer = 0, classValues: List<Integer> = null, "
    "classPoints: List<Integer> = null, dropNulls: Boolean = true, tileScale: Float = 1, "
    "geometries: Boolean = false) -> FeatureCollection",
    "ImageCollection.formaTrend(timeSeries: ImageCollection, covariates: ImageCollection = null, "
    "windowSize: Integer = 6) -> Image",
    "ImageCollection.getRegion(collection: ImageCollection, geometry: Geometry, scale: Float = null, "
    'crs: Projection = {"type":"Projection","crs":"EPSG:4326","transform":[1,0,0,0,1,0]}, '
    "crsTransform: List<Float> = null) -> List<Object>",
)
