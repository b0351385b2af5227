// Geodesy as much as pictures need.

export const DEG = Math.PI / 180;
export const EARTH_KM = 6378.137; // WGS 84 equatorial radius
const FLATTENING = 1 / 298.257223563; // WGS 84
const E2 = FLATTENING * (2 - FLATTENING);

/**
 * Earth-fixed position in km.
 * @param {number} latitude  deg, geodetic
 * @param {number} longitude  deg
 * @param {number} [altitude]  km
 * @returns {[number, number, number]}
 */
export function ecef(latitude, longitude, altitude = 0) {
  const s = Math.sin(latitude * DEG);
  const c = Math.cos(latitude * DEG);
  const n = EARTH_KM / Math.sqrt(1 - E2 * s * s);
  return [
    (n + altitude) * c * Math.cos(longitude * DEG),
    (n + altitude) * c * Math.sin(longitude * DEG),
    (n * (1 - E2) + altitude) * s,
  ];
}

/**
 * Latitude and longitude (deg) and altitude (km) of an Earth-fixed position; good to some metres (Bowring 1976).
 * @param {readonly number[]} position  km
 * @returns {[number, number, number]}
 */
export function geodetic([x, y, z]) {
  const p = Math.hypot(x, y);
  const b = EARTH_KM * (1 - FLATTENING);
  const t = Math.atan2(z * EARTH_KM, p * b);
  const ep2 = E2 / (1 - E2);
  const latitude = Math.atan2(z + ep2 * b * Math.sin(t) ** 3, p - E2 * EARTH_KM * Math.cos(t) ** 3);
  const n = EARTH_KM / Math.sqrt(1 - E2 * Math.sin(latitude) ** 2);
  const altitude =
    Math.abs(latitude) < 1.2 ? p / Math.cos(latitude) - n : z / Math.sin(latitude) - n * (1 - E2);
  return [latitude / DEG, Math.atan2(y, x) / DEG, altitude];
}

/**
 * Direction of the Sun, Earth-fixed unit vector; good to 0.01° for this century
 * (Astronomical Almanac, "low precision formulas for the Sun's coordinates").
 * @param {number} time  Unix seconds
 * @returns {[number, number, number]}
 */
export function sun(time) {
  const d = time / 86400 - 10957.5; // days from J2000
  const g = (357.528 + 0.9856003 * d) * DEG;
  const lambda = (280.46 + 0.9856474 * d + 1.915 * Math.sin(g) + 0.02 * Math.sin(2 * g)) * DEG;
  const epsilon = (23.439 - 4e-7 * d) * DEG;
  const rightAscension = Math.atan2(Math.cos(epsilon) * Math.sin(lambda), Math.cos(lambda));
  const declination = Math.asin(Math.sin(epsilon) * Math.sin(lambda));
  const sidereal = (280.46062 + 360.98564737 * d) * DEG;
  const longitude = rightAscension - sidereal;
  return [
    Math.cos(declination) * Math.cos(longitude),
    Math.cos(declination) * Math.sin(longitude),
    Math.sin(declination),
  ];
}

/**
 * Longitude in [-180, 180).
 * @param {number} longitude
 */
export const wrap = (longitude) => ((((longitude + 180) % 360) + 360) % 360) - 180;

/**
 * Longitudes of a line made continuous, so that a step over ±180° is a small one.
 * @param {readonly (readonly number[])[]} line  [longitude, latitude]
 * @returns {[number, number][]}
 */
export function unwrap(line) {
  /** @type {[number, number][]} */
  const out = [];
  let turn = 0;
  line.forEach(([longitude, latitude], i) => {
    if (i) {
      const step = longitude - line[i - 1][0];
      if (step > 180) turn -= 360;
      else if (step < -180) turn += 360;
    }
    out.push([longitude + turn, latitude]);
  });
  return out;
}

/**
 * Rings of a GeoJSON geometry.
 * @param {any} geometry
 * @returns {number[][][]}
 */
export function rings(geometry) {
  if (!geometry) return [];
  if (geometry.type === "Polygon") return geometry.coordinates;
  if (geometry.type === "MultiPolygon") return geometry.coordinates.flat();
  if (geometry.type === "GeometryCollection") return geometry.geometries.flatMap(rings);
  return [];
}
