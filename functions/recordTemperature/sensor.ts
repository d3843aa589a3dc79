/** What the simulated sensor shows, in °C. */
const coldest = 18;
const warmest = 30;

/**
 * Draws a temperature in °C between the two, to a hundredth of a degree as such sensors give it.
 *
 * @param random from 0 up to but not including 1, like Math.random
 */
export function drawTemperature(random: () => number): number {
  return Math.round((coldest + random() * (warmest - coldest)) * 100) / 100;
}
