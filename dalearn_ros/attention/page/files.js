// Maps drawn elsewhere, as pictures.

const PROPORTION = 0.02; // by how much the sides may differ from the image's

// The cells of a picture of the whole image: 0 where it is black or clear, 1 where it is white.
export async function readMap(file, { width, height, cells }) {
  let bitmap;
  try {
    bitmap = await createImageBitmap(file);
  } catch {
    throw new Error(`${file.name}: expected a picture, such as a PNG in grey, found something else.`);
  }
  const ratio = (bitmap.width * height) / (bitmap.height * width);
  if (Math.abs(Math.log(ratio)) > PROPORTION) {
    const sizes = `expected the proportions of the image, ${width} x ${height}, found ${bitmap.width} x ${bitmap.height}`;
    throw new Error(`${file.name}: ${sizes}.`);
  }
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [cells.columns, cells.rows];
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.imageSmoothingQuality = "high";
  context.drawImage(bitmap, 0, 0, width / cells.cellWidth, height / cells.cellHeight);
  bitmap.close();
  const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
  const grey = (at) => (data[4 * at] + data[4 * at + 1] + data[4 * at + 2]) / 765;
  return Float32Array.from({ length: cells.rows * cells.columns }, (_, at) => grey(at));
}
