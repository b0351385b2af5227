// The flat map's own projection: latitude and longitude straight (equirectangular), which any place can be read from.

/**
 * What part of the world is in view.
 * @typedef {object} Window
 * @property {number} longitude  of the middle, deg
 * @property {number} latitude  of the middle, deg
 * @property {number} scale  pixels a degree
 */

const LEAST_SCALE = 1;
const MOST_SCALE = 2000;

/** The world again and again to the east and west, so that nothing is cut at ±180°. */
export class Flat {
  longitude = 15;
  latitude = 25;
  scale = 3;
  width = 1;
  height = 1;

  /**
   * @param {number} longitude
   * @param {number} latitude
   * @param {number} [turn]  copies of the world to the east
   * @returns {[number, number]}
   */
  point(longitude, latitude, turn = 0) {
    return [
      this.width / 2 + (longitude + 360 * turn - this.longitude) * this.scale,
      this.height / 2 - (latitude - this.latitude) * this.scale,
    ];
  }

  /**
   * @param {number} x
   * @param {number} y
   * @returns {[number, number]} longitude in [-180, 180) and latitude
   */
  place(x, y) {
    const longitude = this.longitude + (x - this.width / 2) / this.scale;
    return [((((longitude + 180) % 360) + 360) % 360) - 180, this.latitude - (y - this.height / 2) / this.scale];
  }

  /** Copies of the world that are in view. */
  get turns() {
    const half = this.width / 2 / this.scale;
    const first = Math.floor((this.longitude - half + 180) / 360);
    const last = Math.floor((this.longitude + half + 180) / 360);
    return Array.from({ length: last - first + 1 }, (_, i) => first + i);
  }

  /**
   * @param {number} dx  pixels
   * @param {number} dy
   */
  move(dx, dy) {
    this.longitude = ((((this.longitude - dx / this.scale + 180) % 360) + 360) % 360) - 180;
    this.latitude = Math.max(-85, Math.min(85, this.latitude + dy / this.scale));
  }

  /**
   * @param {number} factor
   * @param {number} [x]  what stays where it is
   * @param {number} [y]
   */
  zoom(factor, x = this.width / 2, y = this.height / 2) {
    const before = [(x - this.width / 2) / this.scale, (y - this.height / 2) / this.scale];
    this.scale = Math.max(LEAST_SCALE, Math.min(MOST_SCALE, this.scale * factor));
    const after = [(x - this.width / 2) / this.scale, (y - this.height / 2) / this.scale];
    this.move((after[0] - before[0]) * this.scale, (after[1] - before[1]) * this.scale);
  }

  /** West, south, east, north of the view (deg); east may lie beyond 180. */
  get box() {
    const half = Math.min(180, this.width / 2 / this.scale);
    const tall = this.height / 2 / this.scale;
    return [this.longitude - half, Math.max(-90, this.latitude - tall), this.longitude + half, Math.min(90, this.latitude + tall)];
  }
}
